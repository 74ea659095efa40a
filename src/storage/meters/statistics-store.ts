import { inChunks, yieldToEventLoop } from '../../async/event-loop.js';
import { AppError } from '../../errors.js';
import { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import type { Scope } from '../scope.js';
import { readSlice, SLICE_ROW } from '../slices.js';
import { boundSamples, filterSamples, slicedSamples, type SampleFilter } from './sample-filter.js';
import { addSquares, deviationOf, squaresColumns, sumAndMean, sumColumns, type SquaresRow } from './volume-sums.js';

/** Fields by which statistics can be grouped. */
export const GROUP_FIELDS = ['resource_id', 'project_id', 'user_id', 'source'] as const;
export type GroupField = (typeof GROUP_FIELDS)[number];

/** A query for statistics by period and group. */
export interface StatisticsQuery {
  meter: string;
  filter: SampleFilter;
  /** Length of a period; 0: one period for all samples. */
  periodS: number;
  /** Start of the first period; the time of the first sample if absent. */
  alignedTo?: Date | undefined;
  groupBy: readonly GroupField[];
}

/** Statistics of the samples of one period and one group. */
export interface Statistics {
  group: Partial<Record<GroupField, string | null>>;
  unit: string;
  count: number;
  min: number;
  max: number;
  avg: number;
  /** Infinite if it exceeds the range of floats. */
  sum: number;
  /** Standard deviation of the population. */
  stddev: number;
  firstAt: Date;
  lastAt: Date;
  periodStart: Date;
  periodEnd: Date;
}

export type StatisticsStore = ReturnType<typeof createStatisticsStore>;

/** Most results of one query. They are in memory until the last sample is read. */
const MAX_RESULTS = 20_000;

/** Most results of a page. */
const PAGE = 500;

/** Samples of one slice of the embedded database. */
const SLICE_SAMPLES = 1_000;

/** Statistics for the API. */
export function createStatisticsStore(db: Database, { sliceRows = SLICE_SAMPLES, maxResults = MAX_RESULTS } = {}) {
  return {
    /**
     * Pages of periods, oldest first. They are half-open, and those without samples are absent. A page can be empty.
     * @throws AppError `invalid_request`, before the first result, if there are too many.
     */
    statistics: (scope: Scope, query: StatisticsQuery): AsyncIterable<Statistics[]> =>
      statistics(db, scope, query, { sliceRows, maxResults }),
  };
}

/** The part of one period and one group that is in one slice. */
interface PartialStatistics extends SquaresRow {
  unit: string;
  min: number;
  max: number;
  first_at: Date;
  last_at: Date;
  origin: Date;
  period_number: number;
  resource_id?: string;
  project_id?: string | null;
  user_id?: string | null;
  source?: string;
}

async function* statistics(
  db: Database,
  scope: Scope,
  query: StatisticsQuery,
  limits: { sliceRows: number; maxResults: number },
): AsyncGenerator<Statistics[], void, void> {
  const found = new Map<string, PartialStatistics>();
  const parts = db.kind === 'postgres' ? inOneStatement : inSlices;
  for await (const rows of parts(db, { scope, query }, limits)) {
    for await (const some of inChunks(rows)) addPartials(found, some, query);
    if (found.size > limits.maxResults) throw tooMany(limits.maxResults);
    yield []; // the client may have left
  }
  const rest = inOrder(found.values(), query);
  for (let from = 0; from < rest.length; from += PAGE) {
    if (from > 0) await yieldToEventLoop();
    yield rest.slice(from, from + PAGE).map((row) => toStatistics(row, query));
  }
}

interface Asked {
  scope: Scope;
  query: StatisticsQuery;
}

/** PostgreSQL needs a sixth of the time that slices would take. */
async function* inOneStatement(
  db: Database,
  { scope, query }: Asked,
  { maxResults }: { maxResults: number },
): AsyncGenerator<PartialStatistics[], void, void> {
  const conditions = new Conditions();
  boundSamples(conditions, query.meter, query.filter);
  const from = `(select *, 0 as ${SLICE_ROW} from samples ${conditions.where()}) samples`;
  const text = partialsSql(new Conditions(conditions.parameters), from, { scope, query, origin: query.alignedTo });
  const limited = `${text} ${conditions.limit(maxResults + 1)}`;
  yield (await db.query<PartialStatistics>(limited, conditions.parameters)).rows;
}

async function* inSlices(
  db: Database,
  { scope, query }: Asked,
  { sliceRows }: { sliceRows: number },
): AsyncGenerator<PartialStatistics[], void, void> {
  let origin = query.alignedTo;
  let after: readonly unknown[] | undefined;
  do {
    const { rows, next } = await readSlice<PartialStatistics>(
      db,
      slicedSamples('oldest first'),
      {
        bounds: (conditions) => boundSamples(conditions, query.meter, query.filter),
        select: (conditions, from) => partialsSql(conditions, from, { scope, query, origin }),
        limits: { rows: sliceRows },
      },
      after,
    );
    yield rows;
    after = next;
    origin ??= rows[0]?.origin;
  } while (after !== undefined);
}

function partialsSql(
  conditions: Conditions,
  from: string,
  { scope, query, origin }: { scope: Scope; query: StatisticsQuery; origin: Date | undefined },
): string {
  filterSamples(conditions, scope, query.filter);
  const period = conditions.parameter(query.periodS, 'numeric');
  const alignedTo = conditions.parameter(origin ?? null, 'timestamptz');
  const groups = query.groupBy.map((field) => `, ${field}`).join('');
  return `
    with matching as (
      select timestamp, volume, unit, ${SLICE_ROW}, coalesce(${alignedTo}, min(timestamp) over ()) as origin ${groups}
        from ${from} ${conditions.where()}
    ), numbered as (
      select *, case when ${period} = 0 then 0
        else floor(extract(epoch from (timestamp - origin)) / nullif(${period}, 0)) end::bigint as period_number
        from matching
    )
    select max(unit) as unit, count(*) as count, min(volume) as min, max(volume) as max,
           ${sumColumns('volume')}, ${squaresColumns('volume')},
           min(timestamp) as first_at, max(timestamp) as last_at, origin, period_number,
           min(${SLICE_ROW}) as ${SLICE_ROW} ${groups}
      from numbered group by origin, period_number ${groups}`;
}

function addPartials(
  found: Map<string, PartialStatistics>,
  rows: readonly PartialStatistics[],
  { groupBy }: StatisticsQuery,
): void {
  for (const row of rows) {
    const key = JSON.stringify([row.period_number, ...groupBy.map((field) => row[field])]);
    const known = found.get(key);
    if (known) merge(known, row);
    else found.set(key, row);
  }
}

function merge(total: PartialStatistics, part: PartialStatistics): void {
  addSquares(total, part);
  total.min = Math.min(total.min, part.min);
  total.max = Math.max(total.max, part.max);
  if (part.unit > total.unit) total.unit = part.unit;
  if (part.first_at < total.first_at) total.first_at = part.first_at;
  if (part.last_at > total.last_at) total.last_at = part.last_at;
}

function tooMany(maxResults: number): AppError {
  return new AppError(
    'invalid_request',
    `The statistics have more than ${maxResults} results: ask for fewer samples with q, for a longer period, or ` +
      'group by fewer fields',
  );
}

/** By period, then by group; a group without a value is the last one. */
function inOrder(rows: Iterable<PartialStatistics>, { groupBy }: StatisticsQuery): PartialStatistics[] {
  return [...rows].sort((a, b) => {
    const periods = a.period_number - b.period_number;
    return periods !== 0 ? periods : orderOfGroups(a, b, groupBy);
  });
}

function orderOfGroups(a: PartialStatistics, b: PartialStatistics, groupBy: readonly GroupField[]): number {
  for (const field of groupBy) {
    const [left, right] = [a[field] ?? null, b[field] ?? null];
    if (left === right) continue;
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function toStatistics(row: PartialStatistics, { periodS, groupBy }: StatisticsQuery): Statistics {
  const start = row.origin.getTime() + row.period_number * periodS * 1000;
  return {
    group: Object.fromEntries(groupBy.map((field) => [field, row[field] ?? null])),
    unit: row.unit,
    count: row.count,
    min: row.min,
    max: row.max,
    ...sumAndMean(row),
    stddev: deviationOf(row),
    firstAt: row.first_at,
    lastAt: row.last_at,
    periodStart: periodS === 0 ? row.first_at : new Date(start),
    periodEnd: periodS === 0 ? row.last_at : new Date(start + periodS * 1000),
  };
}

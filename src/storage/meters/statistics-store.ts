import { AppError } from '../../errors.js';
import { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import type { Scope } from '../scope.js';
import { readSlice, SLICE_ROW } from '../slices.js';
import { boundSamples, filterSamples, slicedSamples, type SampleFilter } from './sample-filter.js';
import { addSums, deviationOf, squaresColumns, sumAndMean, sumColumns, type SquaresRow } from './volume-sums.js';

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

/** Most groups of one period. They are in memory until their period has ended. */
const MAX_GROUPS = 20_000;

/** Most rows of the last page. */
const PAGE = 500;

/** Samples of one slice of the embedded database: more than rows of a list, since the result has only sums. */
const SLICE_SAMPLES = 2_000;

/** Statistics for the API. */
export function createStatisticsStore(db: Database, { sliceRows = SLICE_SAMPLES, maxGroups = MAX_GROUPS } = {}) {
  return {
    /**
     * Pages of periods, oldest first. They are half-open, and those without samples are absent. A page can be empty.
     * @throws AppError `invalid_request` if one period has too many groups.
     */
    statistics: (scope: Scope, query: StatisticsQuery): AsyncIterable<Statistics[]> =>
      statistics(db, scope, query, { sliceRows, maxGroups }),
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

/** The parts of periods, in the order of time, so that a period has ended when the next one begins. */
async function* statistics(
  db: Database,
  scope: Scope,
  query: StatisticsQuery,
  { sliceRows, maxGroups }: { sliceRows: number; maxGroups: number },
): AsyncGenerator<Statistics[], void, void> {
  const open = new Map<string, PartialStatistics>();
  const slices = db.kind === 'postgres' ? inOneStatement(db, scope, query) : inSlices(db, scope, query, sliceRows);
  for await (const rows of slices) {
    const ended = addPartials(open, rows, query);
    refuseTooMany(open.size, maxGroups);
    yield ended.map((row) => toStatistics(row, query));
  }
  const rest = inOrder(open.values(), query);
  for (let from = 0; from < rest.length; from += PAGE)
    yield rest.slice(from, from + PAGE).map((row) => toStatistics(row, query));
}

/** PostgreSQL needs a sixth of the time that slices would take. */
async function* inOneStatement(
  db: Database,
  scope: Scope,
  query: StatisticsQuery,
): AsyncGenerator<PartialStatistics[], void, void> {
  const conditions = new Conditions();
  boundSamples(conditions, query.meter, query.filter);
  const from = `(select *, 0 as ${SLICE_ROW} from samples ${conditions.where()}) samples`;
  const own = new Conditions(conditions.parameters);
  const text = partialsSql(own, from, { scope, query, origin: query.alignedTo });
  yield (await db.query<PartialStatistics>(text, conditions.parameters)).rows;
}

async function* inSlices(
  db: Database,
  scope: Scope,
  query: StatisticsQuery,
  sliceRows: number,
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

/** Adds the parts of a slice, and returns and removes the periods before its last one. */
function addPartials(
  open: Map<string, PartialStatistics>,
  rows: readonly PartialStatistics[],
  query: StatisticsQuery,
): PartialStatistics[] {
  let latest = -Infinity;
  for (const row of rows) {
    latest = Math.max(latest, row.period_number);
    const key = JSON.stringify([row.period_number, ...query.groupBy.map((field) => row[field])]);
    const known = open.get(key);
    if (known) merge(known, row);
    else open.set(key, row);
  }
  const ended = [...open].filter(([, { period_number }]) => period_number < latest);
  for (const [key] of ended) open.delete(key);
  return inOrder(
    ended.map(([, row]) => row),
    query,
  );
}

function merge(total: PartialStatistics, part: PartialStatistics): void {
  addSums(total, part);
  total.min = Math.min(total.min, part.min);
  total.max = Math.max(total.max, part.max);
  if (part.unit > total.unit) total.unit = part.unit;
  if (part.first_at < total.first_at) total.first_at = part.first_at;
  if (part.last_at > total.last_at) total.last_at = part.last_at;
}

function refuseTooMany(groups: number, maxGroups: number): void {
  if (groups <= maxGroups) return;
  throw new AppError(
    'invalid_request',
    `The statistics have more than ${maxGroups} groups in one period: ask for fewer samples with q, or for a shorter ` +
      'period, or group by fewer fields',
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

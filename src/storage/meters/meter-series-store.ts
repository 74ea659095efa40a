import type { MeterQuery } from '../../alarm/series.js';
import type { MeterSeriesStore, PeriodStatistics, StatisticsWindow } from '../../datasource/meters/meters.js';
import type { Database } from '../database.js';
import { followIndex } from '../slices.js';
import { addSums, sumAndMean, sumColumns, type SummedRow } from './volume-sums.js';

/** Condition fields and their columns, the scope first. Column names come from this list, never from a request. */
const COLUMNS = {
  project: 'project_id',
  projectId: 'project_id',
  userId: 'user_id',
  resourceId: 'resource_id',
  source: 'source',
  messageId: 'message_id',
} as const;
type ConditionField = keyof typeof COLUMNS;

/** Number of the first parameters: start of the first period, length of a period, start and end of the samples. */
const FIXED_PARAMETERS = 4;

type SeriesDatabase = Pick<Database, 'kind' | 'query' | 'transaction'>;
type PeriodRow = Omit<PeriodStatistics, 'avg' | 'sum'> & SummedRow;

/**
 * Samples that one statement of the embedded database reads for a single query. Explanations and backtests have long
 * windows, and all other requests wait for the statement.
 */
const SAMPLES_AT_ONCE = 20_000;

/** Statistics of the built-in meters: by period, for many queries in one statement. */
export function createMeterSeriesStore(db: SeriesDatabase, { samplesAtOnce = SAMPLES_AT_ONCE } = {}): MeterSeriesStore {
  const texts = new Map<string, string>();
  return {
    async statistics(
      { start, end, granularityS }: StatisticsWindow,
      queries: readonly MeterQuery[],
    ): Promise<PeriodStatistics[]> {
      const first = queries[0];
      if (first === undefined) return [];
      const fields = fieldsOf(first);
      refuseOtherScopes(first, queries);
      const paths = Object.keys(first.metadata ?? {});
      const shape = [...fields, paths.length].join();
      if (!texts.has(shape)) texts.set(shape, statementFor(fields, paths.length));
      const columns = fields.map((field) => queries.map((query) => query[field] as string));
      const wanted = paths.flatMap((path) => [
        queries.map(({ metadata }) => metadata?.[path] ?? null),
        path.split('.'),
        path,
      ]);
      const others = [queries.map(({ meter }) => meter), ...columns, ...wanted];
      const isDivided = db.kind === 'pglite' && queries.length === 1;
      const rows = new Map<string, PeriodRow>();
      for (let from = start; from < end;) {
        const to = isDivided ? await endOfPiece(db, { meter: first.meter, from, end, samplesAtOnce }) : end;
        const parameters = [start, granularityS, from, to, ...others];
        addRows(rows, (await db.query<PeriodRow>(texts.get(shape) as string, parameters)).rows);
        from = to;
      }
      return [...rows.values()].map((row) => {
        const { queryIndex, period, count, min, max } = row;
        return { queryIndex, period, count, min, max, ...sumAndMean(row) };
      });
    },
  };
}

/** By meter and time, which an index has. Samples of one millisecond are never divided. */
const AFTER_MANY = `
  select timestamp as at from samples where meter = $1 and timestamp >= $2 and timestamp < $3
   order by timestamp offset $4 limit 1`;

interface TimePiece {
  meter: string;
  from: Date;
  end: Date;
  samplesAtOnce: number;
}

/** The end of the samples that one statement reads. */
async function endOfPiece(db: SeriesDatabase, { meter, from, end, samplesAtOnce }: TimePiece): Promise<Date> {
  const rows = await followIndex<{ at: Date }>(db, AFTER_MANY, [meter, from, end, samplesAtOnce]);
  const at = rows[0]?.at ?? end;
  return at > from ? at : new Date(from.getTime() + 1);
}

/** A period can be in several pieces. */
function addRows(total: Map<string, PeriodRow>, rows: readonly PeriodRow[]): void {
  for (const row of rows) {
    const key = `${row.queryIndex} ${row.period}`;
    const known = total.get(key);
    if (!known) {
      total.set(key, row);
      continue;
    }
    addSums(known, row);
    known.min = Math.min(known.min, row.min);
    known.max = Math.max(known.max, row.max);
  }
}

function fieldsOf(query: MeterQuery): ConditionField[] {
  return (Object.keys(COLUMNS) as ConditionField[]).filter((field) => (query[field] ?? null) !== null);
}

/**
 * The first query decides the columns of the statement. Without its scope, the scope of the others would be ignored.
 */
function refuseOtherScopes(first: MeterQuery, queries: readonly MeterQuery[]): void {
  const isScoped = first.project !== null;
  if (queries.some(({ project }) => (project !== null) !== isScoped))
    throw new Error('a statement has queries of one project and queries of all projects');
}

/**
 * Each condition is an equality between a column of the queries and an expression on the sample, so that PostgreSQL can
 * use a hash join or an index.
 */
function statementFor(fields: readonly ConditionField[], paths: number): string {
  const firstPath = FIXED_PARAMETERS + 1 + fields.length + 1;
  const metadata = Array.from({ length: paths }, (_, index) => ({ column: `m${index}`, at: firstPath + index * 3 }));
  const arrays = ['meter', ...fields].map((_, index) => `$${FIXED_PARAMETERS + 1 + index}::text[]`);
  const unnested = [...arrays, ...metadata.map(({ at }) => `$${at}::text[]`)].join(', ');
  const columns = fields.map((field) => ({ name: `"${field}"`, of: COLUMNS[field] }));
  const names = ['meter', ...columns.map(({ name }) => name), ...metadata.map(({ column }) => column)].join(', ');
  const equalities = [
    ...columns.map(({ name, of }) => `s.${of} = q.${name}`),
    // The path may be nested keys or one key with dots. Both forms are in use.
    ...metadata.map(
      ({ column, at }) =>
        `coalesce(s.resource_metadata #>> $${at + 1}::text[], s.resource_metadata ->> $${at + 2}::text) = q.${column}`,
    ),
  ];
  return `
    with q as (select * from unnest(${unnested}) with ordinality as q(${names}, number))
    select (q.number - 1)::int as "queryIndex",
           floor(extract(epoch from s.timestamp - $1::timestamptz) / $2::int)::int as period,
           count(*)::int as count, min(s.volume) as min, max(s.volume) as max, ${sumColumns('s.volume')}
      from q join samples s on s.meter = q.meter and s.timestamp >= $3::timestamptz and s.timestamp < $4::timestamptz
                           ${equalities.map((equality) => `and ${equality}`).join(' ')}
     group by 1, 2`;
}

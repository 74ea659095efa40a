import type { MeterQuery } from '../../alarm/series.js';
import type { MeterSeriesStore, PeriodStatistics, StatisticsWindow } from '../../datasource/meters/meters.js';
import type { Sql } from '../database.js';
import { sumAndMean, sumColumns, type SummedRow } from './volume-sums.js';

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

/** Number of the first parameters: start, end and length of a period. */
const FIXED_PARAMETERS = 3;

type PeriodRow = Omit<PeriodStatistics, 'avg' | 'sum'> & SummedRow;

/** Statistics of the built-in meters for evaluators: by period, for many queries in one statement. */
export function createMeterSeriesStore(db: Sql): MeterSeriesStore {
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
      const parameters = [start, end, granularityS, queries.map(({ meter }) => meter), ...columns, ...wanted];
      const { rows } = await db.query<PeriodRow>(texts.get(shape) as string, parameters);
      return rows.map((row) => {
        const { queryIndex, period, count, min, max } = row;
        return { queryIndex, period, count, min, max, ...sumAndMean(row) };
      });
    },
  };
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
           floor(extract(epoch from s.timestamp - $1::timestamptz) / $3::int)::int as period,
           count(*)::int as count, min(s.volume) as min, max(s.volume) as max, ${sumColumns('s.volume')}
      from q join samples s on s.meter = q.meter and s.timestamp >= $1::timestamptz and s.timestamp < $2::timestamptz
                           ${equalities.map((equality) => `and ${equality}`).join(' ')}
     group by 1, 2`;
}

import type { MeterQuery } from '../../alarm/series.js';
import type { MeterStatistics, PeriodStatistics, StatisticsWindow } from '../../datasource/meters/meters.js';
import type { Sql } from '../database.js';
import { sumAndMean, sumColumns, type SummedRow } from './volume-sums.js';

/** Condition fields and their columns, the scope first. Names come from here, never from a request. */
const COLUMNS = {
  project: 'project_id',
  projectId: 'project_id',
  userId: 'user_id',
  resourceId: 'resource_id',
  source: 'source',
  messageId: 'message_id',
} as const;
type Field = keyof typeof COLUMNS;

/** Start, end and length of a period come first. */
const FIXED_PARAMETERS = 3;

type PeriodRow = Omit<PeriodStatistics, 'avg' | 'sum'> & SummedRow;

/** What evaluators read of the built-in meters: statistics by period for many questions in one statement. */
export function createMeterSeriesStore(db: Sql): MeterStatistics {
  const texts = new Map<string, string>();
  return {
    async statistics(
      { start, end, granularityS }: StatisticsWindow,
      questions: readonly MeterQuery[],
    ): Promise<PeriodStatistics[]> {
      const first = questions[0];
      if (first === undefined) return [];
      const fields = fieldsOf(first);
      refuseOtherScopes(first, questions);
      const paths = Object.keys(first.metadata ?? {});
      const shape = [...fields, paths.length].join();
      if (!texts.has(shape)) texts.set(shape, statementFor(fields, paths.length));
      const columns = fields.map((field) => questions.map((question) => question[field] as string));
      const wanted = paths.flatMap((path) => [
        questions.map(({ metadata }) => metadata?.[path] ?? null),
        path.split('.'),
        path,
      ]);
      const parameters = [start, end, granularityS, questions.map(({ meter }) => meter), ...columns, ...wanted];
      const { rows } = await db.query<PeriodRow>(texts.get(shape) as string, parameters);
      return rows.map((row) => {
        const { question, period, count, min, max } = row;
        return { question, period, count, min, max, ...sumAndMean(row) };
      });
    },
  };
}

function fieldsOf(question: MeterQuery): Field[] {
  return (Object.keys(COLUMNS) as Field[]).filter((field) => (question[field] ?? null) !== null);
}

/**
 * The first query decides the columns of the statement. If it had no scope, the scope of the others would be ignored.
 */
function refuseOtherScopes(first: MeterQuery, questions: readonly MeterQuery[]): void {
  const isScoped = first.project !== null;
  if (questions.some(({ project }) => (project !== null) !== isScoped))
    throw new Error('a statement has queries of one project and queries of all projects');
}

/**
 * Every condition is a plain equality between a column of the questions and something of the sample, so that it can be
 * hashed or indexed.
 */
function statementFor(fields: readonly Field[], paths: number): string {
  const firstPath = FIXED_PARAMETERS + 1 + fields.length + 1;
  const metadata = Array.from({ length: paths }, (_, index) => ({ column: `m${index}`, at: firstPath + index * 3 }));
  const arrays = ['meter', ...fields].map((_, index) => `$${FIXED_PARAMETERS + 1 + index}::text[]`);
  const unnested = [...arrays, ...metadata.map(({ at }) => `$${at}::text[]`)].join(', ');
  const columns = fields.map((field) => ({ name: `"${field}"`, of: COLUMNS[field] }));
  const names = ['meter', ...columns.map(({ name }) => name), ...metadata.map(({ column }) => column)].join(', ');
  const equalities = [
    ...columns.map(({ name, of }) => `s.${of} = q.${name}`),
    // Nested, or with dots in the key itself: both are in use.
    ...metadata.map(
      ({ column, at }) =>
        `coalesce(s.resource_metadata #>> $${at + 1}::text[], s.resource_metadata ->> $${at + 2}::text) = q.${column}`,
    ),
  ];
  return `
    with q as (select * from unnest(${unnested}) with ordinality as q(${names}, number))
    select (q.number - 1)::int as question,
           floor(extract(epoch from s.timestamp - $1::timestamptz) / $3::int)::int as period,
           count(*)::int as count, min(s.volume) as min, max(s.volume) as max, ${sumColumns('s.volume')}
      from q join samples s on s.meter = q.meter and s.timestamp >= $1::timestamptz and s.timestamp < $2::timestamptz
                           ${equalities.map((equality) => `and ${equality}`).join(' ')}
     group by 1, 2`;
}

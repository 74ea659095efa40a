import type { MeterQuery } from '../alarm/series.js';
import type { MeterStatistics, PeriodStatistics, StatisticsWindow } from '../datasource/meters/meters.js';
import type { Sql } from './database.js';

/** Condition fields and their columns. Names come from here, never from a request. */
const COLUMNS = {
  projectId: 'project_id',
  userId: 'user_id',
  resourceId: 'resource_id',
  source: 'source',
  messageId: 'message_id',
} as const;
type Field = keyof typeof COLUMNS;

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
      const fields = (Object.keys(COLUMNS) as Field[]).filter((field) => first[field] !== undefined);
      const withMetadata = first.metadata !== undefined;
      const shape = [...fields, withMetadata].join();
      if (!texts.has(shape)) texts.set(shape, statementFor(fields, withMetadata));
      const columns = fields.map((field) => questions.map((question) => question[field] as string));
      const metadata = withMetadata ? [questions.map((question) => JSON.stringify(question.metadata))] : [];
      const parameters = [start, end, granularityS, questions.map(({ meter }) => meter), ...columns, ...metadata];
      const { rows } = await db.query<PeriodStatistics>(texts.get(shape) as string, parameters);
      return rows;
    },
  };
}

function statementFor(fields: readonly Field[], withMetadata: boolean): string {
  const names = ['meter', ...fields.map((field) => COLUMNS[field]), ...(withMetadata ? ['metadata'] : [])];
  const arrays = names.map((_, index) => `$${index + 4}::text[]`).join(', ');
  const equalities = fields.map((field) => `and s.${COLUMNS[field]} = q.${COLUMNS[field]}`).join(' ');
  return `
    with q as (select * from unnest(${arrays}) with ordinality as q(${names.join(', ')}, number))
    select (q.number - 1)::int as question,
           floor(extract(epoch from s.timestamp - $1::timestamptz) / $3::int)::int as period,
           count(*)::int as count, min(s.volume) as min, max(s.volume) as max, avg(s.volume) as avg, sum(s.volume) as sum
      from q join samples s on s.meter = q.meter and s.timestamp >= $1::timestamptz and s.timestamp < $2::timestamptz ${equalities}
     ${withMetadata ? `where ${METADATA_MATCHES}` : ''}
     group by 1, 2`;
}

/** Every wanted path has the wanted text, whether the metadata is nested or has dots in its keys. */
const METADATA_MATCHES = `not exists (
  select 1 from jsonb_each_text(q.metadata::jsonb) wanted
   where coalesce(s.resource_metadata #>> string_to_array(wanted.key, '.'), s.resource_metadata ->> wanted.key) is distinct from wanted.value)`;

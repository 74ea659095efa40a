import type { Database } from '../database.js';
import { sampleConditions, type SampleFilter } from './sample-filter.js';
import type { Scope } from '../scope.js';
import { deviationColumns, deviationOf, sumAndMean, sumColumns, type SummedRow } from './volume-sums.js';

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

/** Statistics for the API. */
export function createStatisticsStore(db: Database) {
  return {
    /** Returns periods, oldest first. They are half-open, and those without samples are absent. */
    statistics: (scope: Scope, query: StatisticsQuery): Promise<Statistics[]> => statistics(db, scope, query),
  };
}

interface StatisticsRow extends SummedRow {
  unit: string;
  min: number;
  max: number;
  small_stddev: number | null;
  huge_stddev: number;
  first_at: Date;
  last_at: Date;
  origin: Date;
  period_number: number;
  resource_id?: string;
  project_id?: string | null;
  user_id?: string | null;
  source?: string;
}

async function statistics(db: Database, scope: Scope, query: StatisticsQuery): Promise<Statistics[]> {
  const conditions = sampleConditions(scope, query.meter, query.filter);
  const period = conditions.parameter(query.periodS, 'numeric');
  const alignedTo = conditions.parameter(query.alignedTo ?? null, 'timestamptz');
  const groups = query.groupBy.map((field) => `, ${field}`).join('');
  const { rows } = await db.query<StatisticsRow>(
    `with matching as (
       select timestamp, volume, unit, coalesce(${alignedTo}, min(timestamp) over ()) as origin ${groups}
       from samples ${conditions.where()}
     ), numbered as (
       select *, case when ${period} = 0 then 0
         else floor(extract(epoch from (timestamp - origin)) / nullif(${period}, 0)) end::bigint as period_number
       from matching
     )
     select max(unit) as unit, count(*) as count, min(volume) as min, max(volume) as max,
       ${sumColumns('volume')}, ${deviationColumns('volume')},
       min(timestamp) as first_at, max(timestamp) as last_at, origin, period_number ${groups}
     from numbered group by origin, period_number ${groups} order by period_number ${groups}`,
    conditions.parameters,
  );
  return rows.map((row) => toStatistics(row, query));
}

function toStatistics(row: StatisticsRow, { periodS, groupBy }: StatisticsQuery): Statistics {
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

import type { BackendAnswer, MeterQuery, Point } from '../../alarm/series.js';
import type { BackendObserver, Datasource, KeyedQuery } from '../datasource.js';

/** The part of the sample store that this datasource needs. */
export interface MeterSeriesStore {
  /**
   * Statistics of the samples of each query in `[start, start + periods × granularityS)`, by period. Periods without
   * samples are absent. All queries of one call have conditions on the same fields and the same paths of metadata.
   */
  statistics(window: StatisticsWindow, queries: readonly MeterQuery[]): Promise<PeriodStatistics[]>;
}

/** The window of the statistics, and the length of its periods. */
export interface StatisticsWindow {
  start: Date;
  end: Date;
  granularityS: number;
}

/** The statistics of one query in one period. */
export interface PeriodStatistics {
  queryIndex: number;
  /** Index of the period; 0 for the one that begins at the window's start. */
  period: number;
  count: number;
  min: number;
  max: number;
  avg: number;
  /** Infinite if it is beyond the range of floats. */
  sum: number;
}

/** Most queries of one statement, so that its result stays small and its failure affects few alarms. */
export const MAX_QUERIES = 500;

/** Most statements under way at once. */
const CONCURRENCY = 4;

const UNAVAILABLE = 'its database does not answer';

/**
 * The datasource of the built-in meters: samples pushed to `/v2/meters`. Periods are aligned to the end of the window,
 * as in Ceilometer.
 */
export function createMetersDatasource(deps: {
  store: MeterSeriesStore;
  observer: BackendObserver;
}): Datasource<MeterQuery> {
  async function queryStatistics(
    window: StatisticsWindow,
    group: readonly KeyedQuery<MeterQuery>[],
    answers: Map<string, BackendAnswer>,
  ): Promise<void> {
    const start = window.start.getTime();
    const points = group.map((): Point[] => []);
    try {
      const queries = group.map(({ query }) => query);
      for (const { queryIndex, period, ...values } of await deps.store.statistics(window, queries)) {
        points[queryIndex]!.push({ at: start + period * window.granularityS * 1000, values });
      }
      deps.observer.succeeded();
      for (const some of points) some.sort((a, b) => a.at - b.at);
      for (const [index, { key }] of group.entries()) answers.set(key, { kind: 'series', series: [points[index]!] });
    } catch (cause) {
      deps.observer.failed(UNAVAILABLE, cause);
      for (const { key } of group) answers.set(key, { kind: 'outage', reason: UNAVAILABLE });
    }
  }
  return {
    async answers({ granularityS, periods, lagS, queries }, { now, trace }) {
      const end = new Date(now.getTime() - lagS * 1000);
      const window = { start: new Date(end.getTime() - periods * granularityS * 1000), end, granularityS };
      const answers = new Map<string, BackendAnswer>();
      for (const { key, query } of queries) if (query.impossible) answers.set(key, { kind: 'series', series: [[]] });
      const waiting = groupByShape(queries);
      for (const group of waiting)
        trace?.sent(`statistics of the built-in meters: ${JSON.stringify(group.map(({ query }) => query))}`);
      const work = async (): Promise<void> => {
        for (let group = waiting.shift(); group !== undefined; group = waiting.shift())
          await queryStatistics(window, group, answers);
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
      return answers;
    },
  };
}

/**
 * Groups queries with conditions on the same fields. They share a statement, in which each condition is a plain
 * equality that an index can serve.
 */
function groupByShape(queries: readonly KeyedQuery<MeterQuery>[]): KeyedQuery<MeterQuery>[][] {
  const groups = new Map<string, KeyedQuery<MeterQuery>[]>();
  const full: KeyedQuery<MeterQuery>[][] = [];
  for (const keyedQuery of queries) {
    const { query } = keyedQuery;
    if (query.impossible) continue;
    const fields = Object.keys(query).filter((field) => (query[field as keyof MeterQuery] ?? null) !== null);
    const shape = JSON.stringify([fields, Object.keys(query.metadata ?? {})]);
    const group = groups.get(shape) ?? [];
    group.push(keyedQuery);
    groups.set(shape, group);
    if (group.length === MAX_QUERIES) {
      full.push(group);
      groups.delete(shape);
    }
  }
  return [...full, ...groups.values()];
}

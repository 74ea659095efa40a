import type { MeterQuery, Point, Series } from '../../alarm/series.js';
import type { Datasource } from '../datasource.js';

/** What this datasource needs of the store of samples. */
export interface MeterStatistics {
  /**
   * Statistics of each question's samples in `[start, start + periods × granularityS)`, by period; periods without samples are absent.
   * All questions of one call have conditions on the same fields and the same paths of metadata.
   */
  statistics(window: StatisticsWindow, questions: readonly MeterQuery[]): Promise<PeriodStatistics[]>;
}

export interface StatisticsWindow {
  start: Date;
  end: Date;
  granularityS: number;
}

export interface PeriodStatistics {
  /** Index into the questions. */
  question: number;
  /** Index of the period, 0 for the one that begins at the window's start. */
  period: number;
  count: number;
  min: number;
  max: number;
  avg: number;
  sum: number;
}

/** The built-in meters: samples pushed to `/v2/meters`. Periods are aligned to the moment of evaluation, as in Ceilometer. */
export function createMetersDatasource(deps: {
  store: MeterStatistics;
  onQuery: (outcome: 'ok' | 'failed') => void;
}): Datasource {
  return {
    async series({ granularityS, periods, questions }, now) {
      const start = now.getTime() - periods * granularityS * 1000;
      const window = { start: new Date(start), end: now, granularityS };
      const answers = new Map<string, Point[]>(questions.map(({ key }) => [key, []]));
      for (const group of groupByShape(questions)) {
        const rows = await deps.store
          .statistics(
            window,
            group.map(({ query }) => query),
          )
          .catch((cause: unknown) => {
            deps.onQuery('failed');
            throw cause;
          });
        deps.onQuery('ok');
        for (const { question, period, ...values } of rows) {
          answers.get(group[question]!.key)!.push({ at: start + period * granularityS * 1000, values });
        }
      }
      for (const points of answers.values()) points.sort((a, b) => a.at - b.at);
      return answers satisfies ReadonlyMap<string, Series>;
    },
  };
}

/**
 * Questions with conditions on the same fields share a statement, in which each condition is a plain equality that an index can serve.
 */
function groupByShape<Q extends { query: MeterQuery }>(questions: readonly Q[]): Q[][] {
  const groups = new Map<string, Q[]>();
  for (const question of questions) {
    const { query } = question;
    if (query.impossible) continue;
    const fields = Object.keys(query).filter((field) => query[field as keyof MeterQuery] !== undefined);
    const shape = JSON.stringify([fields, Object.keys(query.metadata ?? {})]);
    const group = groups.get(shape);
    if (group) group.push(question);
    else groups.set(shape, [question]);
  }
  return [...groups.values()];
}

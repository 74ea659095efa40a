import type { BackendAnswer, PrometheusQuery } from '../../src/alarm/series.js';
import type { QueryContext, Datasource, SeriesRequest } from '../../src/datasource/datasource.js';

/** A datasource behind the port, without a server: every question has the same answer. */
export class RemoteDouble implements Datasource<PrometheusQuery> {
  /**
   * What becomes of a question: a value, no value, outage, silence until the evaluator's time is up, or silence for
   * ever. A function decides for each question by its PromQL.
   */
  mode: Mode | ((promql: string) => Mode) = 0;
  /** The labels of the series of each answer with a value; undefined: series have none. */
  labels: Readonly<Record<string, string>> | undefined;
  /** Calls so far, and the questions of the last one. */
  calls = 0;
  asked: string[] = [];

  async answers(
    { queries }: SeriesRequest<PrometheusQuery>,
    asking: QueryContext,
  ): Promise<ReadonlyMap<string, BackendAnswer>> {
    this.calls += 1;
    this.asked = queries.map(({ query }) => query.promql);
    const answers = new Map<string, BackendAnswer>();
    for (const { key, query } of queries) {
      const mode = typeof this.mode === 'function' ? this.mode(query.promql) : this.mode;
      const answer = await answerOf(mode, asking);
      const isLabelled = this.labels !== undefined && answer.kind === 'series' && answer.series.length > 0;
      answers.set(key, isLabelled ? { ...answer, labels: [this.labels] } : answer);
    }
    return answers;
  }
}

export type Mode = number | 'no data' | 'outage' | 'slow' | 'deaf';

async function answerOf(mode: Mode, { now, signal }: QueryContext): Promise<BackendAnswer> {
  if (mode === 'no data') return { kind: 'series', series: [] };
  if (mode === 'deaf') return new Promise(() => undefined);
  if (mode === 'slow' && !signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  if (typeof mode === 'string')
    return { kind: 'outage', reason: mode === 'slow' ? 'no answer in time' : 'connection refused' };
  return { kind: 'series', series: [[{ at: now.getTime(), values: { value: mode } }]] };
}

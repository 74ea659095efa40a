import type { AlarmState } from '../alarm/state.js';
import type { Verdict } from '../alarm/decide.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';

/** One look at one alarm that settled a state. */
export interface EvaluationResult {
  alarmId: string;
  partition: number;
  state: AlarmState;
}

export type CountResults = (results: readonly EvaluationResult[]) => Promise<void>;

/** Aodh counts the kinds that compare one series with a threshold, and no others. */
const COUNTED_KINDS: ReadonlySet<string> = new Set([
  'threshold',
  'gnocchi_resources_threshold',
  'gnocchi_aggregation_by_metrics_threshold',
  'gnocchi_aggregation_by_resources_threshold',
  'prometheus',
]);

/** The state that counts, or undefined for kinds that are not counted and for points that disagree. */
export function countedState(kind: string, verdict: Verdict): AlarmState | undefined {
  if (verdict !== 'ok' && verdict !== 'alarm' && verdict !== 'insufficient data') return undefined;
  return COUNTED_KINDS.has(kind) ? verdict : undefined;
}

/** Rows of one statement. More would hold locks for longer than a reader should wait. */
const CHUNK = 10_000;

/**
 * Adds a batch's results to the stored counts. They are statistics: what cannot be written now is lost, and nothing
 * waits for it.
 */
export function createResultCounter({ add, log }: { add: CountResults; log: Logger }): CountResults {
  return async (results) => {
    try {
      for (let start = 0; start < results.length; start += CHUNK) await add(results.slice(start, start + CHUNK));
    } catch (thrown) {
      log.warn('results of evaluations could not be counted', { results: results.length, err: toError(thrown) });
    }
  };
}

import type { AlarmState } from '../alarm/state.js';
import type { Verdict } from '../alarm/decide.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';

/** An evaluation of one alarm that found a state. */
export interface EvaluationResult {
  alarmId: string;
  partition: number;
  state: AlarmState;
}

/** Adds results to the stored counts. `onAdvance` is called after each statement. */
export type CountResults = (results: readonly EvaluationResult[], onAdvance?: () => void) => Promise<void>;

/** Aodh counts only the kinds that compare one series with a threshold. */
const COUNTED_KINDS: ReadonlySet<string> = new Set([
  'threshold',
  'gnocchi_resources_threshold',
  'gnocchi_aggregation_by_metrics_threshold',
  'gnocchi_aggregation_by_resources_threshold',
  'prometheus',
]);

/** The state to count; undefined for kinds that are not counted, and for trends, holds and outages. */
export function countedState(kind: string, verdict: Verdict): AlarmState | undefined {
  if (verdict !== 'ok' && verdict !== 'alarm' && verdict !== 'insufficient data') return undefined;
  return COUNTED_KINDS.has(kind) ? verdict : undefined;
}

/** Rows per statement. More would hold locks for too long. */
const CHUNK = 10_000;

/**
 * Adds the results of a batch to the stored counts. A failed write is logged and not repeated: the counts are
 * statistics.
 */
export function createResultCounter({ add, log }: { add: CountResults; log: Logger }): CountResults {
  return async (results, onAdvance) => {
    try {
      for (let start = 0; start < results.length; start += CHUNK) {
        await add(results.slice(start, start + CHUNK));
        onAdvance?.();
      }
    } catch (thrown) {
      log.warn('results of evaluations could not be counted', { results: results.length, err: toError(thrown) });
    }
  };
}

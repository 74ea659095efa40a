import type { Clock } from '../clock.js';

const HOUR_MS = 3_600_000;

/**
 * Calls `lookUp` at most once an hour and keeps its result. Calls at the same time share one look-up; a failure is not
 * kept.
 */
export function memoizeHourly<T>(clock: Pick<Clock, 'monotonicMs'>, lookUp: () => Promise<T>): () => Promise<T> {
  let kept: { value: Promise<T>; untilMs: number } | undefined;
  return () => {
    if (kept && clock.monotonicMs() < kept.untilMs) return kept.value;
    const latest = { value: lookUp(), untilMs: clock.monotonicMs() + HOUR_MS };
    kept = latest;
    latest.value.catch(() => {
      if (kept === latest) kept = undefined;
    });
    return latest.value;
  };
}

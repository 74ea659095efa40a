import type { Clock } from '../clock.js';

const HOUR_MS = 3_600_000;

/** Asks at most once an hour. What was found is kept, failures are not; callers at the same time share one question. */
export function memoizeHourly<T>(clock: Pick<Clock, 'monotonicMs'>, ask: () => Promise<T>): () => Promise<T> {
  let kept: { value: Promise<T>; until: number } | undefined;
  return () => {
    if (kept && clock.monotonicMs() < kept.until) return kept.value;
    const asked = { value: ask(), until: clock.monotonicMs() + HOUR_MS };
    kept = asked;
    asked.value.catch(() => {
      if (kept === asked) kept = undefined;
    });
    return asked.value;
  };
}

import { ExpiringCache } from '../../cache/expiring-cache.js';
import type { Clock } from '../../clock.js';
import type { Scope } from '../../storage/scope.js';

/** A result, and the time at which it was read. */
export interface KeptResult<Result> {
  result: Result;
  at: Date;
}

const MOST_KEPT = 1_000;

/**
 * Reads at most once in `keptMs` for a scope and a query, since many browsers send the same request after an event.
 * Requests at the same time share one read.
 */
export function keepResults<Query, Result>(
  read: (scope: Scope, query: Query) => Promise<Result>,
  { keptMs, clock, now }: { keptMs: number; clock: Pick<Clock, 'monotonicMs'>; now: () => Date },
): (scope: Scope, query: Query) => Promise<KeptResult<Result>> {
  const kept = new ExpiringCache<Promise<KeptResult<Result>>>(MOST_KEPT, clock);
  return (scope, query) => {
    const key = JSON.stringify([scope, query]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const at = now();
    const answer = read(scope, query).then((result) => ({ result, at }));
    kept.set(key, answer, clock.monotonicMs() + keptMs);
    answer.catch(() => {
      if (kept.get(key) === answer) kept.delete(key);
    });
    return answer;
  };
}

import { ExpiringCache } from '../../cache/expiring-cache.js';
import type { Clock } from '../../clock.js';
import type { AlarmCounts } from '../../storage/alarms/alarm-counts.js';
import type { ListedAlarmFilter } from '../../storage/alarms/listed-alarm-query.js';
import type { Scope } from '../../storage/scope.js';
import type { ListedAlarms } from '../ports.js';

/** Counts, and the time of the request that had them counted. */
export interface KeptCounts {
  counts: AlarmCounts;
  at: Date;
}

/** How long counts are kept: many browsers ask for them at each change. */
const KEPT_MS = 5_000;
const MOST_KEPT = 1_000;

/** Counts alarms at most once in five seconds for a scope and filter. Requests at the same time share one count. */
export function createKeptAlarmCounts(
  alarms: Pick<ListedAlarms, 'counts'>,
  { clock, now }: { clock: Pick<Clock, 'monotonicMs'>; now: () => Date },
): (scope: Scope, filter: ListedAlarmFilter) => Promise<KeptCounts> {
  const kept = new ExpiringCache<Promise<KeptCounts>>(MOST_KEPT, clock);
  return (scope, filter) => {
    const key = JSON.stringify([scope, filter]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const at = now();
    const counted = alarms.counts(scope, filter).then((counts) => ({ counts, at }));
    kept.set(key, counted, clock.monotonicMs() + KEPT_MS);
    counted.catch(() => {
      if (kept.get(key) === counted) kept.delete(key);
    });
    return counted;
  };
}

import type { Trusts } from '../api/ports.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { TrustStore } from '../storage/secrets/trust-store.js';

/** Trusts that one call tries. */
export const TRUSTS_AT_ONCE = 20;
/** Whoever discarded a trust removes it at once, as a rule. */
const SETTLED_MS = 60_000;

export interface LeftOverTrustsDeps {
  trusts: Pick<Trusts, 'remove'>;
  store: Pick<TrustStore, 'discardedBefore' | 'reveal' | 'forget' | 'postpone'>;
  log: Logger;
}

/**
 * Removes trusts that were left because Keystone was away when their alarm went. It has only the service's own rights
 * for that, which Keystone accepts from an admin; what it refuses stays in the table, and is tried again after the
 * others.
 */
export function createTrustTidier({ trusts, store, log }: LeftOverTrustsDeps): (now: Date) => Promise<number> {
  return async (now) => {
    let removed = 0;
    for (const trust of await store.discardedBefore(new Date(now.getTime() - SETTLED_MS), TRUSTS_AT_ONCE)) {
      try {
        await trusts.remove(store.reveal(trust).trustId);
        await store.forget(trust.id);
        removed += 1;
      } catch (thrown) {
        await store.postpone(trust.id, now);
        log.warn('a trust that is not needed is still at Keystone', { alarmId: trust.alarmId, err: toError(thrown) });
      }
    }
    return removed;
  };
}

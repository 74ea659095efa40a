import type { Trusts } from '../api/ports.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { TrustStore } from '../storage/secrets/trust-store.js';

/** Most trusts that one call tries to delete. */
export const TRUSTS_AT_ONCE = 20;
/** Minimum age of a discarded trust. The request that discards a trust usually deletes it at once. */
const SETTLED_MS = 60_000;

/** Dependencies of the deletion of trusts that were left at Keystone. */
export interface LeftOverTrustsDeps {
  trusts: Pick<Trusts, 'remove'>;
  store: Pick<TrustStore, 'discardedBefore' | 'reveal' | 'forget' | 'postpone'>;
  log: Logger;
}

/**
 * A chore that deletes trusts that were left because Keystone was unavailable when their alarm was deleted. It uses the
 * rights of this service, which suffice if its user is an admin. A refused trust stays in the table and is tried again
 * after the others.
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
        log.warn('could not delete Keystone trust; will retry', { alarmId: trust.alarmId, err: toError(thrown) });
      }
    }
    return removed;
  };
}

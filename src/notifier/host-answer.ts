import type { DeliveryOutcome } from './receivers/receiver.js';

/** Errors of this service or of Keystone: the host may not have been called. */
const NOT_OF_THE_HOST = new Set(['internal', 'keystone_unavailable', 'no_key']);

/** Returns true if the receiver's host answered with any status, and null if the attempt does not show it. */
export function hasHostAnswered(outcome: DeliveryOutcome): boolean | null {
  if (outcome.kind === 'delivered' || outcome.httpStatus !== undefined) return true;
  return outcome.kind === 'retry' && !NOT_OF_THE_HOST.has(outcome.error) ? false : null;
}

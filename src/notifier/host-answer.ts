import type { DeliveryOutcome } from './receivers/receiver.js';

/** Errors of this service: the host may not have been called. */
const NOT_THE_HOSTS = new Set(['internal', 'keystone_unavailable']);

/** True if the receiver's host answered, with any status; null if the attempt says nothing about that. */
export function hasHostAnswered(outcome: DeliveryOutcome): boolean | null {
  if (outcome.kind === 'delivered' || outcome.httpStatus !== undefined) return true;
  return outcome.kind === 'retry' && !NOT_THE_HOSTS.has(outcome.error) ? false : null;
}

import type { NotificationKind } from '../alarm/notification.js';
import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import type { FinishedAttempt } from '../storage/notifications/notification-claim-store.js';
import { hasHostAnswered } from './host-answer.js';
import type { DeliveryOutcome } from './receivers/receiver.js';

/** True for tests and heartbeats. They get one attempt. */
export function hasOnlyAttempt(kind: NotificationKind): boolean {
  return kind === 'test' || kind === 'heartbeat';
}

/** The finished attempt of a test or a heartbeat. A failure is final: the receiver's Retry-After delays nothing. */
export function onlyAttempt(
  { id, attempt }: ClaimedNotification,
  outcome: DeliveryOutcome,
  time: { startedAt: Date; durationMs: number },
): FinishedAttempt {
  return {
    id,
    attempt,
    ...time,
    outcome: outcome.kind === 'delivered' ? 'delivered' : 'dead',
    httpStatus: outcome.httpStatus ?? null,
    error: outcome.kind === 'delivered' ? null : outcome.error,
    nextAttemptAt: null,
    hasHostAnswered: hasHostAnswered(outcome),
    answer: outcome.answer ?? null,
  };
}

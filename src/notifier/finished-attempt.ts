import type { Clock } from '../clock.js';
import type { ClaimedNotification } from '../storage/notifications/claimed-notification.js';
import type { FinishedAttempt } from '../storage/notifications/notification-claim-store.js';
import { hasHostAnswered } from './host-answer.js';
import { hasOnlyAttempt, onlyAttempt } from './only-attempt.js';
import { REJECTED, type DeliveryOutcome } from './receivers/receiver.js';
import { nextAttemptAfterRejection, nextAttemptAt } from './retry-schedule.js';

/** The schedules by which attempts are repeated, and the clock. */
export interface RepeatRules {
  clock: Pick<Clock, 'now'>;
  random: () => number;
  rules: { retrySchedule: readonly number[]; rejectedSchedule: readonly number[] };
}

/** What is to be recorded of an attempt that has ended. */
export function finishedAttempt(
  notification: ClaimedNotification,
  outcome: DeliveryOutcome,
  time: { startedAt: Date; durationMs: number },
  repeats: RepeatRules,
): FinishedAttempt {
  const { id, attempt } = notification;
  if (hasOnlyAttempt(notification.kind)) return onlyAttempt(notification, outcome, time);
  const nextAt = outcome.kind === 'retry' ? nextTime(notification, outcome, repeats) : null;
  const isRejectedForGood = outcome.kind === 'retry' && outcome.error === REJECTED && nextAt === null;
  const retryAfterMs = outcome.kind === 'retry' ? outcome.retryAfterMs : undefined;
  return {
    id,
    attempt,
    ...time,
    outcome: isRejectedForGood ? 'dead' : outcome.kind,
    httpStatus: outcome.httpStatus ?? null,
    error: outcome.kind === 'delivered' ? null : outcome.error,
    nextAttemptAt: nextAt,
    notBefore: retryAfterMs === undefined ? null : new Date(repeats.clock.now().getTime() + retryAfterMs),
    hasHostAnswered: hasHostAnswered(outcome),
  };
}

function nextTime(
  { attemptInSchedule: attempt, rejectedSince }: ClaimedNotification,
  { error, retryAfterMs }: Extract<DeliveryOutcome, { kind: 'retry' }>,
  { clock, random, rules }: RepeatRules,
): Date | null {
  const now = clock.now();
  return error === REJECTED
    ? nextAttemptAfterRejection({ rejectedSince, schedule: rules.rejectedSchedule, now, random })
    : nextAttemptAt({ attempt, retryAfterMs, schedule: rules.retrySchedule, now, random });
}

/** Delays vary by this part in both directions, so that attempts that failed together are not repeated together. */
const JITTER = 0.2;

/** Input for the time of the next attempt. */
export interface RetryRequest {
  /** Attempts made so far in this run of the schedule, at least 1. */
  attempt: number;
  retryAfterMs?: number | undefined;
  /** Delay before each attempt in milliseconds, starting with the first attempt. */
  schedule: readonly number[];
  now: Date;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** Input for the time of the next attempt after an answer that rejects the request. */
export interface RejectedRetryRequest extends Pick<RetryRequest, 'now' | 'random'> {
  /**
   * End of the first attempt in the present series of rejected attempts. Null if the series starts with the attempt
   * that has just ended.
   */
  rejectedSince: Date | null;
  /** Times of the attempts after `rejectedSince`, in milliseconds, in rising order. */
  schedule: readonly number[];
}

/** Returns the time of the next attempt after one that the receiver rejected. Null: the schedule is exhausted. */
export function nextAttemptAfterRejection({ rejectedSince, schedule, now, random }: RejectedRetryRequest): Date | null {
  const since = rejectedSince ?? now;
  const elapsedMs = now.getTime() - since.getTime();
  // Jitter may have moved this attempt before its time in the schedule. That time must not be used again.
  const next = schedule.find((offsetMs) => offsetMs * (1 - JITTER) > elapsedMs);
  return next === undefined ? null : new Date(Math.max(now.getTime(), since.getTime() + jittered(next, random)));
}

/**
 * Returns the time of the next attempt after a failed one: by the schedule, or later if the receiver sent Retry-After.
 * Null: the schedule is exhausted.
 */
export function nextAttemptAt({ attempt, retryAfterMs = 0, schedule, now, random }: RetryRequest): Date | null {
  const delayMs = schedule[attempt];
  if (delayMs === undefined) return null;
  return new Date(now.getTime() + Math.max(jittered(delayMs, random), retryAfterMs));
}

function jittered(ms: number, random: () => number): number {
  return ms * (1 - JITTER + 2 * JITTER * random());
}

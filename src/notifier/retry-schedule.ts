/** Delays vary by this much either way, so that receivers that failed together are not asked together again. */
const JITTER = 0.2;

export interface RetryQuestion {
  /** Attempts made so far in this run of the schedule, at least 1. */
  attempt: number;
  retryAfterMs?: number | undefined;
  /** Delay before each attempt, in milliseconds; the first is that of the first attempt. */
  schedule: readonly number[];
  now: Date;
  /** Uniform in [0, 1). */
  random: () => number;
}

export interface RejectedRetryQuestion extends Pick<RetryQuestion, 'now' | 'random'> {
  /**
   * End of the first attempt in the present series of rejected attempts; null if the attempt that has just ended is the
   * first.
   */
  rejectedSince: Date | null;
  /** Times of the next attempts since that end, in milliseconds, rising. */
  schedule: readonly number[];
}

/** When to try again after an attempt that the receiver rejected. Null: the schedule is exhausted. */
export function nextAttemptAfterRejection({
  rejectedSince,
  schedule,
  now,
  random,
}: RejectedRetryQuestion): Date | null {
  const since = rejectedSince ?? now;
  const elapsedMs = now.getTime() - since.getTime();
  // The jitter may have made this attempt early: the time in the schedule that belongs to it is skipped.
  const next = schedule.find((offsetMs) => offsetMs * (1 - JITTER) > elapsedMs);
  return next === undefined ? null : new Date(Math.max(now.getTime(), since.getTime() + jittered(next, random)));
}

/**
 * When to try again after a failed attempt: by the schedule, or later if the receiver asked for it. Null: the schedule
 * is exhausted.
 */
export function nextAttemptAt({ attempt, retryAfterMs = 0, schedule, now, random }: RetryQuestion): Date | null {
  const delayMs = schedule[attempt];
  if (delayMs === undefined) return null;
  return new Date(now.getTime() + Math.max(jittered(delayMs, random), retryAfterMs));
}

function jittered(ms: number, random: () => number): number {
  return ms * (1 - JITTER + 2 * JITTER * random());
}

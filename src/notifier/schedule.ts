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
  /** End of the first of the latest attempts that were all rejected; null when the attempt that has just ended is the first. */
  rejectedSince: Date | null;
  /** Times of the attempts after it, in milliseconds, rising. */
  schedule: readonly number[];
}

/** When to try again after an attempt that the receiver rejected. Null: the schedule is exhausted. */
export function nextAttemptAfterRejection({ rejectedSince, schedule, now, random }: RejectedRetryQuestion): Date | null {
  const since = rejectedSince ?? now;
  const elapsedMs = now.getTime() - since.getTime();
  // An attempt may have been made early by the jitter: its own time in the schedule is not the next one.
  const next = schedule.find((offsetMs) => offsetMs * (1 - JITTER) > elapsedMs);
  return next === undefined ? null : new Date(Math.max(now.getTime(), since.getTime() + jittered(next, random)));
}

/** When to try again after a failed attempt: by the schedule, or later if the receiver asked for it. Null: the schedule is exhausted. */
export function nextAttemptAt({ attempt, retryAfterMs = 0, schedule, now, random }: RetryQuestion): Date | null {
  const delayMs = schedule[attempt];
  if (delayMs === undefined) return null;
  return new Date(now.getTime() + Math.max(jittered(delayMs, random), retryAfterMs));
}

function jittered(ms: number, random: () => number): number {
  return ms * (1 - JITTER + 2 * JITTER * random());
}

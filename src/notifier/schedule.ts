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

/** When to try again after a failed attempt: by the schedule, or later if the receiver asked for it. Null: the schedule is exhausted. */
export function nextAttemptAt({ attempt, retryAfterMs = 0, schedule, now, random }: RetryQuestion): Date | null {
  const delayMs = schedule[attempt];
  if (delayMs === undefined) return null;
  const jittered = delayMs * (1 - JITTER + 2 * JITTER * random());
  return new Date(now.getTime() + Math.max(jittered, retryAfterMs));
}

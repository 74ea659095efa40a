/** A test that no notifier has begun to send after this time is cancelled: its request has been answered. */
const TEST_LIFE_S = 60;

/** The `last_error` of tests that were not sent in time. */
export const TEST_TOO_LATE = 'not sent in time';

/** SQL condition on a notification `n`: it is a test that must no longer be sent. `now`: a parameter. */
export function isLateTest(now: string): string {
  return `(n.kind = 'test' and n.created_at <= ${now}::timestamptz - interval '${TEST_LIFE_S} s')`;
}

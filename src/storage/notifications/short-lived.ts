/** A test or a heartbeat that no notifier has begun to send after this time is cancelled: it would tell of the past. */
const LIFE_S = 60;

/** The `last_error` of tests and heartbeats that were not sent in time. */
export const TOO_LATE = 'not sent in time';

/** SQL condition on a notification `n`: it is a test or a heartbeat that must no longer be sent. `now`: a parameter. */
export function isTooLate(now: string): string {
  return `(n.kind in ('test', 'heartbeat') and n.created_at <= ${now}::timestamptz - interval '${LIFE_S} s')`;
}

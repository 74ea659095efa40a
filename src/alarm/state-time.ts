/**
 * The time of a change of state at `at`, whose alarm has had its state since `since`. Clocks of processes differ, and
 * may be put back: then the change is a millisecond after the one before, so that the times of an alarm's history rise.
 */
export function stateTimeAfter(since: Date, at: Date): Date {
  return at < since ? new Date(since.getTime() + 1) : at;
}

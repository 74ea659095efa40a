/** Timings of the tests, in milliseconds: shorter than the defaults, so that a run has room for many faults. */
export const TIMINGS = {
  intervalMs: 5_000,
  leaseMs: 3_000,
  heartbeatMs: 500,
  claimMs: 6_000,
  sweepMs: 1_000,
  attemptMs: 3_000,
  /** Longest time of one request to the metrics backend. */
  deadlineMs: 3_000,
  /** Time for which alarms keep their state while the backend is unavailable. */
  graceMs: 15_000,
  /** Time in which the service works again once the database does. */
  recoveryMs: 10_000,
} as const;

/** Attempts at once in one notifier. */
export const CONCURRENCY = 50;

/** Longest time between two evaluations of an alarm while no fault is active. */
export const QUIET_GAP_MS = 1.1 * TIMINGS.intervalMs + 1_000;
/** What one fault may add to the interval: the lease, two heartbeats, and two seconds. */
export const TAKEOVER_MS = TIMINGS.leaseMs + 2 * TIMINGS.heartbeatMs + 2_000;

const ms = (value: number): string => `${value}ms`;

/** The timings as settings of the service: environment variables without their prefix. */
export const TIMING_SETTINGS: Readonly<Record<string, string>> = {
  EVALUATOR_INTERVAL: ms(TIMINGS.intervalMs),
  EVALUATOR_LEASE: ms(TIMINGS.leaseMs),
  EVALUATOR_HEARTBEAT: ms(TIMINGS.heartbeatMs),
  EVALUATOR_DEADLINE: ms(TIMINGS.deadlineMs),
  EVALUATOR_BACKEND_GRACE: ms(TIMINGS.graceMs),
  NOTIFIER_CLAIM: ms(TIMINGS.claimMs),
  NOTIFIER_SWEEP_EVERY: ms(TIMINGS.sweepMs),
  NOTIFIER_ATTEMPT_TIMEOUT: ms(TIMINGS.attemptMs),
  NOTIFIER_CONNECT_TIMEOUT: '1s',
  // About two minutes: longer than any fault of a receiver.
  NOTIFIER_RETRY_SCHEDULE: ['0s', '1s', '2s', '3s', ...Array<string>(24).fill('5s')].join(','),
  NOTIFIER_CONCURRENCY: String(CONCURRENCY),
  NOTIFIER_POLICY: 'every',
  NOTIFIER_PER_HOST_AND_PROJECT: '16',
  SHUTDOWN_TIMEOUT: ms(TIMINGS.attemptMs + 2_000),
};

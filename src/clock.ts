import { setTimeout as delay } from 'node:timers/promises';

/**
 * The only source of time. `now` is *service time*: the database's time at the last synchronisation plus the monotonic
 * time since then. Thus evaluators with wrong wall clocks agree on phases, windows and due times. Tests set it by hand.
 */
export interface Clock {
  now(): Date;
  /** Milliseconds of a clock that never jumps, for leases and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A clock whose service time can be set. */
export interface ServiceClock extends Clock {
  /** `databaseNow` was true at the monotonic moment `atMonotonicMs`. */
  synchronise(databaseNow: Date, atMonotonicMs: number): void;
  /** The wall clock of this machine, for log lines and `webhook-timestamp` only. */
  wallNow(): Date;
}

/** The clock of this process. Before the first synchronisation its service time is the wall clock. */
export function createSystemClock(): ServiceClock {
  let base = Date.now() - performance.now();
  return {
    now: () => new Date(base + performance.now()),
    monotonicMs: () => performance.now(),
    wallNow: () => new Date(),
    sleep: sleepUntilAborted,
    synchronise(databaseNow, atMonotonicMs) {
      base = databaseNow.getTime() - atMonotonicMs;
    },
  };
}

async function sleepUntilAborted(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await delay(Math.max(0, ms), undefined, signal ? { signal } : {}).catch((cause: unknown) => {
    if (!signal?.aborted) throw cause;
  });
}

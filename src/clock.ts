import { setTimeout as delay } from 'node:timers/promises';

/**
 * The only door to time. `now` is *service time*: the database's time at the last synchronisation plus monotonic time
 * since, so that members with wrong wall clocks agree on slots, windows and due times. Tests drive it by hand.
 */
export interface Clock {
  now(): Date;
  /** Milliseconds of a clock that never jumps. Leases and deadlines are measured with it. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A clock that can be told what time the service has. */
export interface ServiceClock extends Clock {
  /** `databaseNow` was true at the monotonic moment `atMonotonicMs`. */
  synchronise(databaseNow: Date, atMonotonicMs: number): void;
  /** The machine's own wall clock: for log lines and `webhook-timestamp` only. */
  wallNow(): Date;
}

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

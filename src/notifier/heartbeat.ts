import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { HeartbeatResult, HeartbeatStore } from '../storage/notifications/heartbeat-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import type { NotifierWaker } from './waker.js';

/** The heartbeat of the configuration. */
export interface HeartbeatSettings {
  store: HeartbeatStore;
  /** Its period. */
  everyMs: number;
}

/** What the loop of heartbeats needs. */
export interface HeartbeatLoopDeps extends HeartbeatSettings {
  waker: NotifierWaker;
  clock: Pick<Clock, 'now' | 'sleep'>;
  log: Pick<Logger, 'warn' | 'info'>;
  telemetry: Pick<Telemetry, 'heartbeatWritten' | 'heartbeatWithheld'>;
}

/** Checks in each period. A heartbeat is late by at most a tenth of its period. */
const CHECKS_PER_PERIOD = 10;
const MOST_PAUSE_MS = 10_000;

/**
 * Writes heartbeats while evaluation and delivery work. Each notifier has this loop; the database stores one heartbeat
 * of each period.
 */
export function createHeartbeatLoop(deps: HeartbeatLoopDeps): Loop {
  const { store, everyMs, waker, clock, log, telemetry } = deps;
  const pauseMs = Math.min(everyMs / CHECKS_PER_PERIOD, MOST_PAUSE_MS);
  let isWithheld = false;

  function note(result: HeartbeatResult, now: Date): void {
    if (result.kind === 'written') waker.wake(1);
    if (result.kind !== 'withheld') {
      if (isWithheld) log.info('heartbeat notifications are written again');
      isWithheld = false;
      return;
    }
    const { unevaluated: unevaluatedPartitions, isDeliveryLate } = result;
    if (unevaluatedPartitions > 0) telemetry.heartbeatWithheld.set({ reason: 'evaluation' }, seconds(now));
    if (isDeliveryLate) telemetry.heartbeatWithheld.set({ reason: 'delivery' }, seconds(now));
    if (!isWithheld)
      log.warn('heartbeat notification withheld: evaluation or delivery is late', {
        unevaluatedPartitions,
        isDeliveryLate,
      });
    isWithheld = true;
  }

  async function check(): Promise<void> {
    const now = clock.now();
    note(await store.beat(now), now);
    const lastAt = await store.lastAt();
    if (lastAt) telemetry.heartbeatWritten.set(seconds(lastAt));
  }

  return {
    name: 'heartbeat',
    async run(signal) {
      while (!signal.aborted) {
        await check().catch((thrown: unknown) => {
          log.warn('could not write the heartbeat notification; will retry', { err: toError(thrown) });
        });
        await clock.sleep(pauseMs, signal);
      }
    },
  };
}

function seconds(at: Date): number {
  return at.getTime() / 1_000;
}

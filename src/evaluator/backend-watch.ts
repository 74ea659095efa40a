import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';

export interface BackendWatchDeps {
  /** Everybody's enabled alarms that no configured backend can be asked about, by kind. */
  count: () => Promise<ReadonlyMap<string, number>>;
  clock: Clock;
  log: Logger;
  telemetry: Pick<Telemetry, 'alarmsWithoutBackend'>;
}

export interface BackendWatch {
  loop: Loop;
  /** As last counted; empty before the first time. */
  waiting(): ReadonlyMap<string, number>;
}

const EVERY_MS = 60_000;

/**
 * Keeps count of the alarms that are accepted and stored, and then wait for a backend that is not configured, so that an operator can see
 * why they stay in `insufficient data`.
 */
export function createBackendWatch({ count, clock, log, telemetry }: BackendWatchDeps): BackendWatch {
  let waiting: ReadonlyMap<string, number> = new Map();
  async function look(): Promise<void> {
    try {
      waiting = await count();
      telemetry.alarmsWithoutBackend.reset(); // kinds of which there are none any more
      for (const [type, alarms] of waiting) telemetry.alarmsWithoutBackend.set({ type }, alarms);
    } catch (thrown) {
      log.warn('alarms without a backend could not be counted, will try again', { err: toError(thrown) });
    }
  }
  return {
    loop: {
      name: 'backends',
      async run(signal) {
        while (!signal.aborted) {
          await look();
          await clock.sleep(EVERY_MS, signal);
        }
      },
    },
    waiting: () => waiting,
  };
}

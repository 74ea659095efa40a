import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Loop } from '../supervisor.js';

/** Sets service time to the database's time, which is taken as the time in the middle of the request. */
export async function synchroniseClock(clock: ServiceClock, databaseTime: () => Promise<Date>): Promise<void> {
  const sentMs = clock.monotonicMs();
  const databaseNow = await databaseTime();
  clock.synchronise(databaseNow, (sentMs + clock.monotonicMs()) / 2);
}

/** A loop that keeps service time right in a process without an evaluator. (Heartbeats of an evaluator do it too.) */
export function createTimeKeeper(deps: {
  clock: ServiceClock;
  log: Logger;
  everyMs: number;
  databaseTime: () => Promise<Date>;
}): Loop {
  const { clock, log, everyMs, databaseTime } = deps;
  return {
    name: 'time',
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal);
        await synchroniseClock(clock, databaseTime).catch((thrown: unknown) =>
          log.debug('could not read the time of the database', { err: toError(thrown) }),
        );
      }
    },
  };
}

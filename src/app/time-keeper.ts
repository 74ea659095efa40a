import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Loop } from '../supervisor.js';

/** Sets the service's clock by the database's, allowing for half the time that the question took. */
export async function synchroniseClock(clock: ServiceClock, databaseTime: () => Promise<Date>): Promise<void> {
  const askedMs = clock.monotonicMs();
  const told = await databaseTime();
  clock.synchronise(told, (askedMs + clock.monotonicMs()) / 2);
}

/** Keeps the clock of a process right that has no evaluator, whose heartbeats would do it. */
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
          log.debug('could not ask the database for the time', { err: toError(thrown) }),
        );
      }
    },
  };
}

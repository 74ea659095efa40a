import type { Clock } from './clock.js';
import { toError } from './errors.js';
import type { Logger } from './logger.js';
import type { Loop } from './supervisor.js';

/** One kind of row that must not grow for ever. Each call removes a bounded number and says how many. */
export interface Chore {
  name: string;
  everyMs: number;
  run: (now: Date) => Promise<number>;
  /** Rows one call removes at most: that many means there may be more. */
  batch: number;
}

/** Prunes what has outlived its retention. Any number of processes may do so at once. */
export function createHousekeeping(deps: { clock: Clock; log: Logger; chores: readonly Chore[] }): Loop {
  const { clock, log, chores } = deps;
  return {
    name: 'housekeeping',
    async run(signal) {
      await Promise.all(chores.map((chore) => repeat(chore, signal)));
    },
  };

  async function repeat({ name, everyMs, run, batch }: Chore, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let removed = 0;
      try {
        removed = await run(clock.now());
        if (removed > 0) log.debug('pruned', { chore: name, removed });
      } catch (thrown) {
        log.warn('pruning failed, will try again', { chore: name, err: toError(thrown) });
      }
      if (removed < batch) await clock.sleep(everyMs, signal);
    }
  }
}

import type { Clock } from './clock.js';
import { toError } from './errors.js';
import type { Logger } from './logger.js';
import type { Loop } from './supervisor.js';

/** A periodic task on rows of one kind, mostly the deletion of old ones. */
export interface Chore {
  name: string;
  everyMs: number;
  /** Deletes or writes at most `batch` rows. Resolves to their number. */
  run: (now: Date) => Promise<number>;
  /** Most rows of one call. A call that reaches this number is repeated after a short pause. */
  batch: number;
}

/** Lets other statements have the database between two calls for many rows. */
const PAUSE_MS = 100;

/** Runs each chore again and again. Several processes may do so at once. */
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
      let rows = 0;
      try {
        rows = await run(clock.now());
        if (rows > 0) log.debug('housekeeping chore done', { chore: name, rows });
      } catch (thrown) {
        log.warn('a housekeeping chore failed; will retry', { chore: name, err: toError(thrown) });
      }
      await clock.sleep(rows < batch ? everyMs : Math.min(PAUSE_MS, everyMs), signal);
    }
  }
}

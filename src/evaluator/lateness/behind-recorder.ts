import type { Clock } from '../../clock.js';
import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { RecordBehind } from '../../storage/evaluation/behind-store.js';
import type { BehindWatch } from './behind-watch.js';
import type { HeldPartitions } from '../held-partitions.js';

/** Dependencies of the recorder. */
export interface BehindRecorderDeps {
  record: RecordBehind;
  behind: BehindWatch;
  held: HeldPartitions;
  clock: Clock;
  log: Logger;
  intervalMs: number;
}

/** Least time between two writes, beside a quarter of the interval. So `explain` may be a few seconds old. */
const LEAST_PAUSE_MS = 2_000;
/** Most alarms in one row, so that it stays small. Further alarms are shown without their lateness. */
const MOST_ALARMS = 500;

/**
 * Writes to the database which alarms are behind, for API processes that explain alarms. While no alarm is behind,
 * nothing is written.
 */
export class BehindRecorder {
  readonly #open = new Set<number>();
  #isWriting = false;
  #writtenMs = -Infinity;

  constructor(private readonly deps: BehindRecorderDeps) {}

  /** Has the rows of these new partitions written: the former owner may have left alarms in them. */
  taken(partitions: readonly number[]): void {
    for (const id of partitions) this.#open.add(id);
  }

  /** Starts to write the changes since the last write, unless that is too recent. */
  note(): void {
    const { behind, clock, intervalMs } = this.deps;
    for (const id of behind.takeChanged()) this.#open.add(id);
    const nowMs = clock.monotonicMs();
    if (this.#isWriting || this.#open.size === 0 || nowMs - this.#writtenMs < Math.max(LEAST_PAUSE_MS, intervalMs / 4))
      return;
    this.#writtenMs = nowMs;
    void this.#write();
  }

  async #write(): Promise<void> {
    const { record, behind, held, log } = this.deps;
    const ids = [...this.#open];
    this.#open.clear();
    this.#isWriting = true;
    try {
      await record(
        ids.flatMap((partition) => {
          const epoch = held.epochOf(partition);
          return epoch === undefined ? [] : [{ partition, epoch, alarms: behind.waitingIn(partition, MOST_ALARMS) }];
        }),
      );
    } catch (thrown) {
      for (const id of ids) this.#open.add(id);
      log.debug('could not write which alarms are behind; will retry', { err: toError(thrown) });
    } finally {
      this.#isWriting = false;
    }
  }
}

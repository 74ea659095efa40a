import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { BehindSince, BehindWatch } from './behind-watch.js';
import type { HeldPartitions } from './held-partitions.js';

/** Which alarms of a partition are behind, by their ids. */
export interface BehindRow {
  partition: number;
  /** Under which this evaluator holds the partition; another one's row stays as it is. */
  epoch: number;
  alarms: Readonly<Record<string, BehindSince>>;
}

export type RecordBehind = (rows: readonly BehindRow[]) => Promise<void>;

export interface BehindRecorderDeps {
  record: RecordBehind;
  behind: BehindWatch;
  held: HeldPartitions;
  clock: Clock;
  log: Logger;
  intervalMs: number;
}

/** At most four times an interval, and not more often than this: what people are told may be a few seconds old. */
const LEAST_PAUSE_MS = 2_000;
/** A row stays small; alarms beyond that are shown without a figure. */
const MOST_ALARMS = 500;

/** Writes down which alarms are behind, for processes that explain alarms and evaluate none. Where none is, nothing is written. */
export class BehindRecorder {
  readonly #open = new Set<number>();
  #isWriting = false;
  #writtenMs = -Infinity;

  constructor(private readonly deps: BehindRecorderDeps) {}

  /** The evaluator before may have left something. */
  taken(partitions: readonly number[]): void {
    for (const id of partitions) this.#open.add(id);
  }

  /** Starts to write what has changed since the last time, if it is time for that. */
  note(): void {
    const { behind, clock, intervalMs } = this.deps;
    for (const id of behind.takeChanged()) this.#open.add(id);
    const nowMs = clock.monotonicMs();
    if (this.#isWriting || this.#open.size === 0 || nowMs - this.#writtenMs < Math.max(LEAST_PAUSE_MS, intervalMs / 4)) return;
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
      log.debug('could not write down which alarms are behind; tried again', { err: toError(thrown) });
    } finally {
      this.#isWriting = false;
    }
  }
}

import type { BatchRunner } from './batch-runner.js';
import type { HeldPartitions } from './held-partitions.js';
import type { BatchToken, BehindWatch } from './lateness/behind-watch.js';
import type { OutageWatch } from './outage-watch.js';

/**
 * Batches between the scheduled ones: retry batches of alarms in an outage, and catch-up batches of alarms that are
 * behind. Without them these alarms wait for the scheduled batch of their partition.
 */
export interface ExtraBatches {
  /** The batches that are due, each to be run at once. `onAdvance` is called when one has got further. */
  takeDue(now: Date): ((onAdvance?: () => void) => Promise<void>)[];
  /** The time of the next retry batch; Infinity if there is none. */
  nextMs(): number;
}

/** Dependencies of the extra batches. */
export interface ExtraBatchesDeps {
  held: Pick<HeldPartitions, 'isBusy'>;
  batchRunner: Pick<BatchRunner, 'runCatchUp' | 'runRetries'>;
  outages: OutageWatch;
  behind: BehindWatch;
}

export function createExtraBatches({ held, batchRunner, outages, behind }: ExtraBatchesDeps): ExtraBatches {
  const isBusy = (partition: number): boolean => held.isBusy(partition);
  return {
    takeDue(now) {
      const token: BatchToken = {};
      const late = behind.take(isBusy, token);
      // An alarm that is behind is not retried at the same time.
      const retries = outages.takeDue(now.getTime(), isBusy).filter((retry) => !behind.has(retry));
      return [
        ...(late.length > 0 ? [(onAdvance?: () => void) => batchRunner.runCatchUp(late, token, now, onAdvance)] : []),
        ...(retries.length > 0 ? [(onAdvance?: () => void) => batchRunner.runRetries(retries, now, onAdvance)] : []),
      ];
    },
    nextMs: () => outages.nextRetryMs(),
  };
}

import type { TakenPartition } from '../partition/ownership.js';
import { isDue } from './schedule.js';

interface PartitionProgress {
  epoch: number;
  lastEvaluatedMs: number | undefined;
  /** The batch that evaluates the partition; null if there is none. */
  batch: PartitionBatch | null;
}

/** The partitions of one batch. The array object identifies the batch. */
type PartitionBatch = readonly { id: number; epoch: number }[];

/** The partitions that this evaluator may write to, with their epochs, and which of them a batch evaluates now. */
export class HeldPartitions {
  readonly #held = new Map<number, PartitionProgress>();

  take(partitions: readonly TakenPartition[]): void {
    for (const { id, epoch, lastEvaluatedAt } of partitions) {
      this.#held.set(id, { epoch, lastEvaluatedMs: lastEvaluatedAt?.getTime(), batch: null });
    }
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) this.#held.delete(id);
  }

  /** True while a batch evaluates this partition. It must not be released then. */
  isBusy(id: number): boolean {
    return (this.#held.get(id)?.batch ?? null) !== null;
  }

  /** Partitions that are due and that no batch evaluates. */
  due(nowMs: number, intervalMs: number): { id: number; epoch: number; lastEvaluatedMs: number | undefined }[] {
    const due = [];
    for (const [id, { epoch, lastEvaluatedMs, batch }] of this.#held) {
      if (batch === null && isDue(id, lastEvaluatedMs, nowMs, intervalMs)) due.push({ id, epoch, lastEvaluatedMs });
    }
    return due;
  }

  /** The epoch under which the partition is held; undefined if it is not held. */
  epochOf(id: number): number | undefined {
    return this.#held.get(id)?.epoch;
  }

  all(): { id: number; epoch: number }[] {
    return [...this.#held].map(([id, { epoch }]) => ({ id, epoch }));
  }

  /** Assigns the partitions to this batch. Partitions that were taken again under another epoch are ignored. */
  begin(batch: PartitionBatch): void {
    for (const { id, epoch } of batch) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch) held.batch = batch;
    }
  }

  /** Ends the batch for some or all of its partitions. Partitions that another batch evaluates by now are ignored. */
  end(batch: PartitionBatch, some: PartitionBatch = batch): void {
    for (const { id, epoch } of some) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch && held.batch === batch) held.batch = null;
    }
  }

  /** Records the evaluation of partitions that are still held under the same epoch. */
  evaluated(partitions: readonly { id: number; epoch: number }[], at: Date): void {
    for (const { id, epoch } of partitions) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch) held.lastEvaluatedMs = at.getTime();
    }
  }

  /** Milliseconds since the oldest last evaluation; null when no partition is held or one was never evaluated. */
  oldestAgeMs(nowMs: number): number | null {
    const times = [...this.#held.values()].map(({ lastEvaluatedMs }) => lastEvaluatedMs);
    if (times.length === 0 || times.includes(undefined)) return null;
    return nowMs - Math.min(...(times as number[]));
  }

  get size(): number {
    return this.#held.size;
  }
}

import { isDue } from './schedule.js';

export interface TakenPartition {
  id: number;
  epoch: number;
  /** When its owner before last evaluated it; null if nobody ever did. */
  lastEvaluatedAt: Date | null;
}

interface Held {
  epoch: number;
  lastEvaluatedMs: number | undefined;
  /** What has it in hand; null if nothing has. */
  batch: PartitionBatch | null;
}

/** Partitions that were taken in hand together; the very list tells one batch from another. */
type PartitionBatch = readonly { id: number; epoch: number }[];

/** The partitions this evaluator may write to, the epochs it took them under, and which are in hand just now. */
export class HeldPartitions {
  readonly #held = new Map<number, Held>();

  take(partitions: readonly TakenPartition[]): void {
    for (const { id, epoch, lastEvaluatedAt } of partitions) {
      this.#held.set(id, { epoch, lastEvaluatedMs: lastEvaluatedAt?.getTime(), batch: null });
    }
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) this.#held.delete(id);
  }

  /** True while a batch has this partition in hand: not the moment to give it away. */
  isBusy(id: number): boolean {
    return (this.#held.get(id)?.batch ?? null) !== null;
  }

  due(nowMs: number, intervalMs: number): { id: number; epoch: number; lastEvaluatedMs: number | undefined }[] {
    const due = [];
    for (const [id, { epoch, lastEvaluatedMs, batch }] of this.#held) {
      if (batch === null && isDue(id, lastEvaluatedMs, nowMs, intervalMs)) due.push({ id, epoch, lastEvaluatedMs });
    }
    return due;
  }

  epochOf(id: number): number | undefined {
    return this.#held.get(id)?.epoch;
  }

  all(): { id: number; epoch: number }[] {
    return [...this.#held].map(([id, { epoch }]) => ({ id, epoch }));
  }

  /** This batch has its partitions in hand. Ignored for those that have been taken again since. */
  begin(batch: PartitionBatch): void {
    for (const { id, epoch } of batch) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch) held.batch = batch;
    }
  }

  /**
   * This batch is done with these of its partitions, or with all. Ignored for those that another batch has in hand by
   * now.
   */
  end(batch: PartitionBatch, some: PartitionBatch = batch): void {
    for (const { id, epoch } of some) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch && held.batch === batch) held.batch = null;
    }
  }

  evaluated(partitions: readonly { id: number; epoch: number }[], at: Date): void {
    for (const { id, epoch } of partitions) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch) held.lastEvaluatedMs = at.getTime();
    }
  }

  /** Milliseconds since the oldest evaluation among all, or null when none is held or one was never evaluated. */
  oldestAgeMs(nowMs: number): number | null {
    const times = [...this.#held.values()].map(({ lastEvaluatedMs }) => lastEvaluatedMs);
    if (times.length === 0 || times.includes(undefined)) return null;
    return nowMs - Math.min(...(times as number[]));
  }

  get size(): number {
    return this.#held.size;
  }
}

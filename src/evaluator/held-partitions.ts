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
  busy: boolean;
}

/** The partitions this evaluator may write to, the epochs it took them under, and which are in hand just now. */
export class HeldPartitions {
  readonly #held = new Map<number, Held>();

  take(partitions: readonly TakenPartition[]): void {
    for (const { id, epoch, lastEvaluatedAt } of partitions) {
      this.#held.set(id, { epoch, lastEvaluatedMs: lastEvaluatedAt?.getTime(), busy: false });
    }
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) this.#held.delete(id);
  }

  /** True while a batch has this partition in hand: not the moment to give it away. */
  isBusy(id: number): boolean {
    return this.#held.get(id)?.busy ?? false;
  }

  due(nowMs: number, intervalMs: number): { id: number; epoch: number; lastEvaluatedMs: number | undefined }[] {
    const due = [];
    for (const [id, { epoch, lastEvaluatedMs, busy }] of this.#held) {
      if (!busy && isDue(id, lastEvaluatedMs, nowMs, intervalMs)) due.push({ id, epoch, lastEvaluatedMs });
    }
    return due;
  }

  epochOf(id: number): number | undefined {
    return this.#held.get(id)?.epoch;
  }

  all(): { id: number; epoch: number }[] {
    return [...this.#held].map(([id, { epoch }]) => ({ id, epoch }));
  }

  /** Ignored for partitions that have been taken again since: another batch may have them in hand. */
  setBusy(partitions: readonly { id: number; epoch: number }[], busy: boolean): void {
    for (const { id, epoch } of partitions) {
      const held = this.#held.get(id);
      if (held?.epoch === epoch) held.busy = busy;
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

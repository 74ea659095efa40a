import type { Clock } from '../../clock.js';

/** When a batch or a load last got further: a piece was read, a part judged, or a chunk committed. */
export class WorkProgress {
  #lastMs: number;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {
    this.#lastMs = clock.monotonicMs();
  }

  /** Monotonic time. */
  get lastMs(): number {
    return this.#lastMs;
  }

  note(): void {
    this.#lastMs = this.clock.monotonicMs();
  }
}

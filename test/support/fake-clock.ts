import type { ServiceClock } from '../../src/clock.js';

interface Sleeper {
  due: number;
  wake: () => void;
}

/** Rounds of the event loop that let promises settle between two sleepers; enough for any chain of plain awaits. */
const SETTLE_ROUNDS = 10;

/** Time that moves only when the test moves it. `now`, `wallNow` and `monotonicMs` advance together. */
export class FakeClock implements ServiceClock {
  #monotonicMs = 0;
  #base: number;
  #wallBase: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: string | Date = '2026-01-01T12:00:00Z') {
    this.#base = new Date(start).getTime();
    this.#wallBase = this.#base;
  }

  now(): Date {
    return new Date(this.#base + this.#monotonicMs);
  }

  wallNow(): Date {
    return new Date(this.#wallBase + this.#monotonicMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** As the real clock: changes what `now` says, and neither the wall clock nor the monotonic one. */
  synchronise(databaseNow: Date, atMonotonicMs: number): void {
    this.#base = databaseNow.getTime() - atMonotonicMs;
  }

  /** Makes the machine's wall clock jump; only `wallNow` may notice. */
  jumpWall(ms: number): void {
    this.#wallBase += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        due: this.#monotonicMs + Math.max(0, ms),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake);
    });
  }

  /** How many sleepers wait: tells a test that a loop has reached its pause. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /**
   * Moves time on by `ms`, waking each sleeper at its moment, in order, and letting what it wakes settle before the
   * next.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#nextDue(until); next; next = this.#nextDue(until)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, next.due);
      next.wake();
      await settle();
    }
    this.#monotonicMs = until;
    await settle();
  }

  #nextDue(until: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (sleeper.due <= until && (!next || sleeper.due < next.due)) next = sleeper;
    return next;
  }
}

async function settle(): Promise<void> {
  for (let round = 0; round < SETTLE_ROUNDS; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

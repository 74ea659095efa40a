import type { Clock } from '../clock.js';

const LONGEST_REST_MS = 1_000;
/** An owner that has requested a permit within this time is likely to request another. */
const ACTIVE_MS = 200;

/** How long work is after which its owner rests, and the clock of that. */
export interface RestOptions {
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Work that took less time causes no rest. */
  afterMs: number;
}

/**
 * Tells which owners rest. After long work an owner rests for as long as the work took, if another owner is active. The
 * short work of that other owner, which comes in pieces with short pauses between them, then runs without waiting.
 */
export class Rests {
  readonly #requestedAt = new Map<string, number>();
  readonly #restsUntil = new Map<string, number>();

  /** `onEnd` is called at the end of each rest. */
  constructor(
    private readonly options: RestOptions,
    private readonly onEnd: () => void,
  ) {}

  /** Notes that an owner requests a permit. */
  noteRequest(owner: string): void {
    this.#requestedAt.set(owner, this.options.clock.monotonicMs());
  }

  isResting(owner: string): boolean {
    return this.#restsUntil.has(owner);
  }

  /** Call the result when the work that begins now has ended, and say if another owner waits. */
  begin(owner: string): (othersWait: boolean) => void {
    const startedAt = this.options.clock.monotonicMs();
    return (othersWait) => {
      const tookMs = this.options.clock.monotonicMs() - startedAt;
      if (tookMs < this.options.afterMs || !(othersWait || this.#othersAreActive(owner))) return;
      void this.#rest(owner, Math.min(tookMs, LONGEST_REST_MS));
    };
  }

  #othersAreActive(owner: string): boolean {
    const oldest = this.options.clock.monotonicMs() - ACTIVE_MS;
    for (const [one, at] of this.#requestedAt) if (at < oldest) this.#requestedAt.delete(one);
    return this.#requestedAt.size > (this.#requestedAt.has(owner) ? 1 : 0);
  }

  async #rest(owner: string, ms: number): Promise<void> {
    const until = this.options.clock.monotonicMs() + ms;
    this.#restsUntil.set(owner, Math.max(until, this.#restsUntil.get(owner) ?? 0));
    await this.options.clock.sleep(ms);
    if (this.#restsUntil.get(owner) !== until) return; // a later piece of work has made the rest longer
    this.#restsUntil.delete(owner);
    this.onEnd();
  }
}

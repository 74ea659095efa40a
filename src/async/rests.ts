import type { Clock } from '../clock.js';

/** Work that took less time causes no rest. */
const LONG_WORK_MS = 100;
const LONGEST_REST_MS = 1_000;
/** An owner that has asked within this time is likely to ask again. */
const STILL_ASKING_MS = 200;

/**
 * Says which owners rest. After long work an owner rests as long as the work took, if another owner has just asked:
 * the other's next short piece of work then finds the way free, even if it comes a moment after its last one.
 */
export class Rests {
  readonly #askedAt = new Map<string, number>();
  readonly #restsUntil = new Map<string, number>();

  /** `onEnd` is called at the end of each rest. */
  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
    private readonly onEnd: () => void,
  ) {}

  /** Notes that an owner has work. */
  asks(owner: string): void {
    this.#askedAt.set(owner, this.clock.monotonicMs());
  }

  isResting(owner: string): boolean {
    return this.#restsUntil.has(owner);
  }

  /** Call the result when the work that begins now has ended, and say if another owner waits. */
  begin(owner: string): (othersWait: boolean) => void {
    const startedAt = this.clock.monotonicMs();
    return (othersWait) => {
      const tookMs = this.clock.monotonicMs() - startedAt;
      if (tookMs < LONG_WORK_MS || !(othersWait || this.#othersAsk(owner))) return;
      void this.#rest(owner, Math.min(tookMs, LONGEST_REST_MS));
    };
  }

  #othersAsk(owner: string): boolean {
    const oldest = this.clock.monotonicMs() - STILL_ASKING_MS;
    for (const [one, at] of this.#askedAt) if (at < oldest) this.#askedAt.delete(one);
    return this.#askedAt.size > (this.#askedAt.has(owner) ? 1 : 0);
  }

  async #rest(owner: string, ms: number): Promise<void> {
    const until = this.clock.monotonicMs() + ms;
    this.#restsUntil.set(owner, Math.max(until, this.#restsUntil.get(owner) ?? 0));
    await this.clock.sleep(ms);
    if (this.#restsUntil.get(owner) !== until) return; // a later piece of work has made the rest longer
    this.#restsUntil.delete(owner);
    this.onEnd();
  }
}

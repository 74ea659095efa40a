import { Rests, type RestOptions } from './rests.js';

/** How many pieces of work may run at once. */
export interface PermitLimits {
  inAll: number;
  /** Of one owner. */
  perOwner: number;
  /** If set, an owner rests after long work, for as long as the work took, while other owners are active. */
  rests?: RestOptions;
}

/**
 * Lets work wait for its turn. Owners take turns, however much work each of them has waiting; work of one owner runs in
 * the order in which it came.
 */
export class FairPermits {
  readonly #running = new Map<string, number>();
  /** Owners in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #rests: Rests | undefined;
  #total = 0;

  constructor(private readonly limits: PermitLimits) {
    this.#rests = limits.rests && new Rests(limits.rests, () => this.#beginNext());
  }

  /** Runs the work when it is its turn, and resolves to its result. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    this.#rests?.noteRequest(owner);
    if (this.#waiting.has(owner) || !this.#mayRun(owner)) {
      await new Promise<void>((begin) => {
        const waiting = this.#waiting.get(owner);
        if (waiting) waiting.push(begin);
        else this.#waiting.set(owner, [begin]);
      });
    } else this.#take(owner);
    const ended = this.#rests?.begin(owner);
    try {
      return await work();
    } finally {
      ended?.(this.#waiting.size > (this.#waiting.has(owner) ? 1 : 0));
      this.#giveBack(owner);
    }
  }

  #mayRun(owner: string): boolean {
    const isResting = this.#rests?.isResting(owner) ?? false;
    return !isResting && this.#total < this.limits.inAll && (this.#running.get(owner) ?? 0) < this.limits.perOwner;
  }

  #take(owner: string): void {
    this.#total += 1;
    this.#running.set(owner, (this.#running.get(owner) ?? 0) + 1);
  }

  #giveBack(owner: string): void {
    this.#total -= 1;
    const left = (this.#running.get(owner) ?? 1) - 1;
    if (left > 0) this.#running.set(owner, left);
    else this.#running.delete(owner);
    this.#beginNext();
  }

  #beginNext(): void {
    for (const [owner, waiting] of this.#waiting) {
      if (!this.#mayRun(owner)) continue;
      const begin = waiting.shift();
      this.#waiting.delete(owner);
      if (waiting.length > 0) this.#waiting.set(owner, waiting); // the last in the order now
      this.#take(owner);
      begin?.();
      return;
    }
  }
}

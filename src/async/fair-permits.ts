/** How many pieces of work may run at once. */
export interface PermitLimits {
  inAll: number;
  /** Of one owner. */
  perOwner: number;
}

/**
 * Lets work wait for its turn. Owners take turns, however much work each of them has waiting; work of one owner runs in
 * the order in which it came.
 */
export class FairPermits {
  readonly #running = new Map<string, number>();
  /** Owners in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #total = 0;

  constructor(private readonly limits: PermitLimits) {}

  /** Runs the work when it is its turn, and resolves to its result. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.has(owner) || !this.#mayRun(owner)) {
      await new Promise<void>((begin) => {
        const waiting = this.#waiting.get(owner);
        if (waiting) waiting.push(begin);
        else this.#waiting.set(owner, [begin]);
      });
    } else this.#take(owner);
    try {
      return await work();
    } finally {
      this.#giveBack(owner);
    }
  }

  #mayRun(owner: string): boolean {
    return this.#total < this.limits.inAll && (this.#running.get(owner) ?? 0) < this.limits.perOwner;
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

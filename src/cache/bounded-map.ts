import type { Clock } from '../clock.js';

const STEPS = 16;

/**
 * Keeps what was learnt for a while (up to twice `forMs`, so that what was learnt at once is not forgotten at once),
 * and only so many of it: the oldest goes first.
 */
export class ExpiringMap<Value> {
  #learnt = 0;
  readonly #kept = new Map<string, { value: Value; until: number }>();

  constructor(
    private readonly limits: { forMs: number; entries: number },
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  get(key: string): Value | undefined {
    const found = this.#kept.get(key);
    if (found === undefined || this.clock.monotonicMs() < found.until) return found?.value;
    this.#kept.delete(key);
    return undefined;
  }

  delete(key: string): void {
    this.#kept.delete(key);
  }

  set(key: string, value: Value): void {
    this.#kept.delete(key);
    const share = (this.#learnt++ % STEPS) / STEPS;
    this.#kept.set(key, { value, until: this.clock.monotonicMs() + this.limits.forMs * (1 + share) });
    if (this.#kept.size <= this.limits.entries) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}

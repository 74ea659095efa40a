import type { Clock } from '../clock.js';
import { ExpiringCache } from './expiring-cache.js';

const STEPS = 16;

/**
 * An LRU cache whose values expire after a time between `ttlMs` and twice as long, so that values that were stored
 * together do not expire together.
 */
export class StaggeredCache<Value> {
  #stored = 0;
  readonly #cache: ExpiringCache<Value>;

  constructor(
    private readonly limits: { ttlMs: number; maxEntries: number },
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#cache = new ExpiringCache(limits.maxEntries, clock);
  }

  get(key: string): Value | undefined {
    return this.#cache.get(key);
  }

  set(key: string, value: Value): void {
    const share = (this.#stored++ % STEPS) / STEPS;
    this.#cache.set(key, value, this.clock.monotonicMs() + this.limits.ttlMs * (1 + share));
  }

  delete(key: string): void {
    this.#cache.delete(key);
  }
}

import type { Clock } from '../clock.js';
import { LruMap } from './lru-map.js';

/** An LRU cache whose values expire, each at its own time. */
export class ExpiringCache<Value> {
  readonly #entries: LruMap<{ value: Value; untilMs: number }>;

  constructor(
    maxEntries: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#entries = new LruMap(maxEntries);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.clock.monotonicMs() < entry.untilMs) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** `untilMs` is a time of the monotonic clock. */
  set(key: string, value: Value, untilMs: number): void {
    this.#entries.set(key, { value, untilMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

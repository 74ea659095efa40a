import type { Clock } from '../clock.js';

/** Remembers at most so many values, each for a time; the one unused for longest goes first. */
export class ExpiringCache<Value> {
  readonly #entries = new Map<string, { value: Value; until: number }>();

  constructor(
    private readonly maxEntries: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (this.clock.monotonicMs() >= entry.until) return undefined;
    this.#entries.set(key, entry); // a Map keeps the order of insertion: the last used is last
    return entry.value;
  }

  /** `until` is a moment of the monotonic clock. */
  set(key: string, value: Value, until: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    if (this.#entries.size <= this.maxEntries) return;
    const [eldest] = this.#entries.keys();
    if (eldest !== undefined) this.#entries.delete(eldest);
  }
}

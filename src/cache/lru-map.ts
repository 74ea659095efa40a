/** A map of limited weight: when it is full, the entries that were unused for longest are removed. */
export class LruMap<Value> {
  #weight = 0;
  /** A Map keeps the order of insertion, so the entry that was unused for longest is the first. */
  readonly #entries = new Map<string, Value>();

  /** Every entry weighs 1 by default, so that `maxWeight` is the number of entries. */
  constructor(
    private readonly maxWeight: number,
    private readonly weightOf: (value: Value) => number = () => 1,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#weight += this.weightOf(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.maxWeight) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.weightOf(value);
  }
}

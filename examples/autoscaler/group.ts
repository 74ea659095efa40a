/** A group of identical instances that share a load. The CPU of each instance falls as the group grows. */
export class Group {
  #size = 1;

  constructor(
    readonly name: string,
    private readonly bounds: { min: number; max: number },
  ) {}

  get size(): number {
    return this.#size;
  }

  /** CPU of each instance in percent for a total load of `load` percent of one instance. */
  cpu(load: number): number {
    return Math.min(100, Math.round((load / this.#size) * 10) / 10);
  }

  /** Adds or removes one instance. False if the group already has its maximum or minimum size. */
  scale(by: 1 | -1): boolean {
    const size = Math.min(this.bounds.max, Math.max(this.bounds.min, this.#size + by));
    const isChanged = size !== this.#size;
    this.#size = size;
    return isChanged;
  }

  instances(): string[] {
    return Array.from({ length: this.#size }, (_, index) => `${this.name}-${index + 1}`);
  }
}

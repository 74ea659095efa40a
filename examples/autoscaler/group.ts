/**
 * A group of identical instances that share a load. CPU falls as the group grows: that is all an autoscaler needs to
 * know.
 */
export class Group {
  #size = 1;

  constructor(
    readonly name: string,
    private readonly bounds: { min: number; max: number },
  ) {}

  get size(): number {
    return this.#size;
  }

  /** CPU of each instance in percent, when the group together has `load` percent of one instance's work to do. */
  cpu(load: number): number {
    return Math.min(100, Math.round((load / this.#size) * 10) / 10);
  }

  /** Adds or removes one instance. False when the group already is as large or small as it may be. */
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

import type { SeriesNeed } from '../alarm/series.js';

/** Shares one object between equal needs. An object is forgotten when no alarm uses it. */
export class SharedNeeds {
  readonly #known = new Map<string, WeakRef<SeriesNeed>>();
  readonly #unused = new FinalizationRegistry<string>((name) => this.#forget(name));

  of(need: SeriesNeed): SeriesNeed {
    const name = `${need.periods} ${need.key}`;
    const known = this.#known.get(name)?.deref();
    if (known !== undefined) return known;
    this.#known.set(name, new WeakRef(need));
    this.#unused.register(need, name);
    return need;
  }

  #forget(name: string): void {
    if (this.#known.get(name)?.deref() === undefined) this.#known.delete(name);
  }
}

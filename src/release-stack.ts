import { toError } from './errors.js';

interface Held {
  name: string;
  close: () => Promise<void> | void;
}

/** Gives back what was taken, in reverse order, all of it, whatever fails on the way. */
export class ReleaseStack {
  #held: Held[] = [];

  /** Register the release on the line that acquires. */
  push(name: string, close: Held['close']): void {
    this.#held.push({ name, close });
  }

  /** Releases everything once. Rejects, after the last release, with one error naming every one that failed. */
  async release(): Promise<void> {
    const failures: Error[] = [];
    for (const { name, close } of this.#held.splice(0).reverse()) {
      try {
        await close();
      } catch (cause) {
        failures.push(new Error(`closing ${name}: ${toError(cause).message}`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'shutdown was not clean');
  }
}

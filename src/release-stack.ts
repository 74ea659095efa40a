import { toError } from './errors.js';

interface HeldResource {
  name: string;
  close: () => Promise<void> | void;
}

/** Releases resources in the reverse order of their registration. A failure does not stop the other releases. */
export class ReleaseStack {
  #held: HeldResource[] = [];

  /** Registers a release. Call it directly after the resource is acquired. */
  push(name: string, close: HeldResource['close']): void {
    this.#held.push({ name, close });
  }

  /** Releases all resources once. Rejects, after the last release, with one error for all that failed. */
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

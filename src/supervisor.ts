import type { Clock } from './clock.js';
import { toError } from './errors.js';
import type { Logger } from './logger.js';

/** Something that runs until told to stop. */
export interface Loop {
  readonly name: string;
  /** Resolves soon after `signal` aborts. Rejects only if the loop cannot continue. */
  run(signal: AbortSignal): Promise<void>;
}

export interface LoopHealth {
  name: string;
  state: 'running' | 'failed' | 'stopped';
  error?: string;
}

/** Runs loops side by side. A loop that fails does not end the others: it is reported, and `failed` says so. */
export class Supervisor {
  readonly #abort = new AbortController();
  readonly #health = new Map<string, LoopHealth>();
  readonly #running: Promise<void>[] = [];
  #reportFailure!: (error: Error) => void;
  /** Settles, with the reason, when any loop can no longer work. Never rejects. */
  readonly failed = new Promise<Error>((resolve) => (this.#reportFailure = resolve));

  constructor(private readonly deps: { clock: Clock; log: Logger }) {}

  start(loop: Loop): void {
    this.#health.set(loop.name, { name: loop.name, state: 'running' });
    this.#running.push(this.#watch(loop));
  }

  health(): LoopHealth[] {
    return [...this.#health.values()];
  }

  /** Aborts all loops and waits for them, at most `timeoutMs`. Returns the names of those that did not end in time. */
  async stop(timeoutMs: number): Promise<string[]> {
    this.#abort.abort();
    const settled = new AbortController();
    const all = Promise.all(this.#running).then(() => settled.abort());
    await Promise.race([all, this.deps.clock.sleep(timeoutMs, settled.signal)]);
    return this.health()
      .filter(({ state }) => state === 'running')
      .map(({ name }) => name);
  }

  async #watch(loop: Loop): Promise<void> {
    try {
      await loop.run(this.#abort.signal);
      this.#health.set(loop.name, { name: loop.name, state: 'stopped' });
    } catch (thrown) {
      const error = toError(thrown);
      this.#health.set(loop.name, { name: loop.name, state: 'failed', error: error.message });
      this.deps.log.error('loop failed', { loop: loop.name, err: error });
      this.#reportFailure(error);
    }
  }
}

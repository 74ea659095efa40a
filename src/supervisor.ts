import { setMaxListeners } from 'node:events';

import { atMost } from './async/deadline.js';
import type { Clock } from './clock.js';
import { toError } from './errors.js';
import type { Logger } from './logger.js';

/** A background task that runs until it is stopped. */
export interface Loop {
  readonly name: string;
  /** Resolves soon after `signal` aborts. Rejects only if the loop cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

/** State of a loop, for readiness. */
export interface LoopHealth {
  name: string;
  state: 'running' | 'failed' | 'stopped';
  error?: string;
}

/** Runs loops concurrently. A loop that fails does not end the others; `failed` resolves with its error. */
export class Supervisor {
  readonly #abort = new AbortController();
  readonly #health = new Map<string, LoopHealth>();
  readonly #running: Promise<void>[] = [];
  #reportFailure!: (error: Error) => void;
  /** Resolves with the error of the first loop that fails. Never rejects. */
  readonly failed = new Promise<Error>((resolve) => (this.#reportFailure = resolve));

  constructor(private readonly deps: { clock: Clock; log: Logger }) {
    setMaxListeners(0, this.#abort.signal); // each loop may wait for many things at once
  }

  /** Starts a loop. */
  start(loop: Loop): void {
    this.#health.set(loop.name, { name: loop.name, state: 'running' });
    this.#running.push(this.#watch(loop));
  }

  health(): LoopHealth[] {
    return [...this.#health.values()];
  }

  /** Aborts all loops and waits for them, at most `timeoutMs`. Resolves to the names of those that still run. */
  async stop(timeoutMs: number): Promise<string[]> {
    this.#abort.abort();
    await atMost(this.deps.clock, timeoutMs, Promise.all(this.#running));
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

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { withDeadline, untilAborted } from '../../async/deadline.js';
import { FairPermits } from '../../async/fair-permits.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { TestTexts } from './matched-texts.js';

/** A message to the worker thread. */
export interface PatternRequest {
  id: number;
  source: string;
  texts: readonly string[];
}

/** The answer to the request with the same id. */
export interface PatternReply {
  id: number;
  truths: readonly boolean[];
}

/** Time for the texts of one page. Linear expressions take seconds only for long texts. */
const DEADLINE_MS = 5_000;

const TOO_SLOW =
  'The regular expressions of the filter take too long: begin them with a fixed text, or compare other fields';
const STOPPING = 'The service is stopping';

/** Dependencies of `PatternMatcher`. */
export interface PatternMatcherDeps {
  clock: Pick<Clock, 'sleep'>;
  /** The project that asks at present. Projects take turns. */
  ownerOf: () => string;
  deadlineMs?: number;
}

/**
 * Tests texts against regular expressions in a worker thread, so that no test blocks the event loop. A test that takes
 * too long is ended together with its thread.
 */
export class PatternMatcher {
  readonly #permits = new FairPermits({ inAll: 1, perOwner: 1 });
  #thread: PatternThread | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(private readonly deps: PatternMatcherDeps) {}

  /** @throws AppError `unavailable` if the tests take too long, and after `close`. */
  readonly testTexts: TestTexts = (pattern, texts) =>
    this.#permits.run(this.deps.ownerOf(), () => this.#inTime(pattern.source, texts));

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  async #inTime(source: string, texts: readonly string[]): Promise<readonly boolean[]> {
    const { clock, deadlineMs = DEADLINE_MS } = this.deps;
    return withDeadline(clock, deadlineMs, async (expired) => {
      const truths = await untilAborted(this.#test(source, texts), expired, () => undefined);
      if (truths !== undefined) return truths;
      await this.#end();
      throw new AppError('unavailable', TOO_SLOW);
    });
  }

  async #test(source: string, texts: readonly string[]): Promise<readonly boolean[]> {
    if (this.#isClosed) throw new AppError('unavailable', STOPPING);
    const { worker, hasStarted } = (this.#thread ??= this.#start());
    await hasStarted;
    return this.#send(worker, { source, texts });
  }

  #send(worker: Worker, request: Omit<PatternRequest, 'id'>): Promise<readonly boolean[]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        end();
      };
      const onMessage = (reply: PatternReply): void => {
        if (reply.id === id) settle(() => resolve(reply.truths));
      };
      const onError = (cause: Error): void => settle(() => reject(cause));
      const onExit = (): void => settle(() => reject(new AppError('unavailable', STOPPING)));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage({ id, ...request } satisfies PatternRequest);
    });
  }

  #start(): PatternThread {
    const worker = new Worker(new URL('./pattern-worker.js', import.meta.url));
    worker.once('exit', () => {
      if (this.#thread?.worker === worker) this.#thread = undefined;
    });
    return { worker, hasStarted: once(worker, 'message') };
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }
}

interface PatternThread {
  worker: Worker;
  hasStarted: Promise<unknown>;
}

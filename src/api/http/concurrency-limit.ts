import { AppError } from '../../errors.js';

/** Most answers that may be in progress at once in this process. */
export interface ConcurrencyBounds {
  perProject: number;
  inAll: number;
  /** Pages of an answer that is not counted. Default: 1. */
  freePages?: number;
}

/** Limits of complex queries. */
export const QUERY_CONCURRENCY: ConcurrencyBounds = { perProject: 2, inAll: 4 };

/** Limits of lists and statistics of more than some 1,000 rows. */
export const READ_CONCURRENCY: ConcurrencyBounds = { perProject: 4, inAll: 64, freePages: 3 };

/** Limits of backtests, which keep a metrics backend busy until they end. */
export const BACKTEST_CONCURRENCY: ConcurrencyBounds = { perProject: 1, inAll: 2 };

/** Limits of charts: values of an alarm over a time span. */
export const VALUES_CONCURRENCY: ConcurrencyBounds = { perProject: 2, inAll: 4 };

/** Limits of requests for the latest values of alarms. */
export const LATEST_VALUES_CONCURRENCY: ConcurrencyBounds = { perProject: 4, inAll: 16 };

/** Limits the long answers of this process, so that a few callers cannot hold all of its database connections. */
export class ConcurrencyLimit {
  readonly #inProgress = new Map<string | null, number>();
  #total = 0;

  /** `subject` is what is limited, for the error message. */
  constructor(
    private readonly limits: ConcurrencyBounds,
    private readonly subject = 'complex queries',
    private readonly advice = 'wait until one of them has ended',
  ) {}

  /**
   * Passes pages on. A short answer, as most are, is not counted. A longer one is counted from its last free page until
   * its last page, a failure, or the end of reading.
   * @throws AppError `too_many_requests`, on reading the first page.
   */
  async *limitLongAnswer<T>(projectId: string | null, pages: AsyncIterable<T>): AsyncIterable<T> {
    const source = pages[Symbol.asyncIterator]();
    const free: T[] = [];
    let isCounted = false;
    try {
      let next = source.next();
      for (; free.length < (this.limits.freePages ?? 1); next = source.next()) {
        const result = await next;
        if (result.done) break;
        free.push(result.value);
      }
      if (!(await isOver(next))) {
        this.#take(projectId);
        isCounted = true;
      }
      yield* free;
      for (let result = await next; !result.done; result = await source.next()) yield result.value;
    } finally {
      if (isCounted) this.#release(projectId);
      // A refusal does not wait for the statement in progress.
      void Promise.resolve(source.return?.()).catch(() => undefined);
    }
  }

  /** As `limitLongAnswer`, but counts every answer from its start. */
  async *limitAnswer<T>(projectId: string | null, pages: AsyncIterable<T>): AsyncIterable<T> {
    this.#take(projectId);
    try {
      yield* pages;
    } finally {
      this.#release(projectId);
    }
  }

  /** Runs work with one result, and counts it from its start to its end. @throws AppError `too_many_requests`. */
  async limitWork<T>(projectId: string | null, work: () => Promise<T>): Promise<T> {
    this.#take(projectId);
    try {
      return await work();
    } finally {
      this.#release(projectId);
    }
  }

  #take(projectId: string | null): void {
    const ofProject = this.#inProgress.get(projectId) ?? 0;
    if (ofProject >= this.limits.perProject || this.#total >= this.limits.inAll) {
      throw new AppError('too_many_requests', `Too many ${this.subject} at once: ${this.advice}`);
    }
    this.#inProgress.set(projectId, ofProject + 1);
    this.#total += 1;
  }

  #release(projectId: string | null): void {
    const left = (this.#inProgress.get(projectId) ?? 1) - 1;
    if (left > 0) this.#inProgress.set(projectId, left);
    else this.#inProgress.delete(projectId);
    this.#total -= 1;
  }
}

/** The limit of all lists and statistics of a process together. */
export function createReadLimit(): ConcurrencyLimit {
  const advice = 'wait until one of them has ended, or ask for less with limit, q or a longer period';
  return new ConcurrencyLimit(READ_CONCURRENCY, 'long answers', advice);
}

/** True if the pages are known to have ended, without waiting for the database. */
async function isOver<T>(next: Promise<IteratorResult<T>>): Promise<boolean> {
  const pending = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
  const ended = next.then(
    ({ done }) => done === true,
    () => false, // the reader gets the error with the next page
  );
  return (await Promise.race([ended, pending])) ?? false;
}

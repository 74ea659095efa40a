import { AppError } from '../../errors.js';

/** How many answers may be under way at once. */
export interface ConcurrencyBounds {
  perProject: number;
  inAll: number;
}

export const QUERY_CONCURRENCY: ConcurrencyBounds = { perProject: 2, inAll: 4 };

/** Backtests keep a backend busy for as long as they last. */
export const BACKTEST_CONCURRENCY: ConcurrencyBounds = { perProject: 1, inAll: 2 };

/**
 * Counts the long answers under way in this process, so that a few callers cannot have all of its database connections.
 */
export class ConcurrencyLimit {
  readonly #underWay = new Map<string | null, number>();
  #inAll = 0;

  constructor(
    private readonly limits: ConcurrencyBounds,
    private readonly what = 'complex queries',
  ) {}

  /**
   * The same pages. An answer that is over with its first page, as almost all are, takes no slot. Others hold one from
   * then until the last page, a failure, or the reader's turning away; asking for the first page throws AppError
   * `too_many_requests` when none is free.
   */
  async *during<T>(projectId: string | null, pages: AsyncIterable<T>): AsyncIterable<T> {
    const source = pages[Symbol.asyncIterator]();
    const first = await source.next();
    if (first.done) return;
    const second = source.next();
    if (await isOver(second)) {
      yield first.value;
      return;
    }
    this.#take(projectId);
    try {
      yield first.value;
      for (let next = await second; !next.done; next = await source.next()) yield next.value;
    } finally {
      this.#giveBack(projectId);
      await source.return?.();
    }
  }

  /**
   * The same pages, of an answer that is never short: it holds a slot from its first page on. Ends, and refuses, as
   * `during` does.
   */
  async *whole<T>(projectId: string | null, pages: AsyncIterable<T>): AsyncIterable<T> {
    this.#take(projectId);
    try {
      yield* pages;
    } finally {
      this.#giveBack(projectId);
    }
  }

  #take(projectId: string | null): void {
    const own = this.#underWay.get(projectId) ?? 0;
    if (own >= this.limits.perProject || this.#inAll >= this.limits.inAll) {
      throw new AppError('too_many_requests', `Too many ${this.what} at once`);
    }
    this.#underWay.set(projectId, own + 1);
    this.#inAll += 1;
  }

  #giveBack(projectId: string | null): void {
    const left = (this.#underWay.get(projectId) ?? 1) - 1;
    if (left > 0) this.#underWay.set(projectId, left);
    else this.#underWay.delete(projectId);
    this.#inAll -= 1;
  }
}

/** Whether the pages have ended, if that can be said without waiting for a database. */
async function isOver<T>(next: Promise<IteratorResult<T>>): Promise<boolean> {
  const pending = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
  const ended = next.then(
    ({ done }) => done === true,
    () => false, // told when the reader gets there
  );
  return (await Promise.race([ended, pending])) ?? false;
}

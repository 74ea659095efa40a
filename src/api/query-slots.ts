import { AppError } from '../errors.js';

/** How many answers may be under way at once. */
export interface QueryLimits {
  perProject: number;
  inAll: number;
}

export const QUERY_LIMITS: QueryLimits = { perProject: 2, inAll: 4 };

/** Counts the long answers under way in this process, so that a few callers cannot have all of its database connections. */
export class QuerySlots {
  readonly #underWay = new Map<string | null, number>();
  #inAll = 0;

  constructor(private readonly limits: QueryLimits) {}

  /**
   * The same pages, with a slot held from the first that is asked for until the last, a failure, or the reader's turning away.
   * Asking for the first throws AppError `too_many_requests` when no slot is free.
   */
  async *during<T>(projectId: string | null, pages: AsyncIterable<T>): AsyncIterable<T> {
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
      throw new AppError('too_many_requests', 'Too many complex queries at once');
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

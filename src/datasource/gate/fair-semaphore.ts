import type { Clock } from '../../clock.js';
import { untilAborted } from '../../async/deadline.js';
import type { RequestOrigin, QueuePosition } from './queue-ticket.js';
import { NotSent } from './not-sent.js';
import { RequestQueue, type WaitingRequest } from './request-queue.js';

export interface FairSemaphoreOptions {
  /** Most requests under way at once; others wait. */
  concurrency: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** How long a project and a query count as slow after a slow request. */
const REMEMBERED_MS = 300_000;
/**
 * While slow requests wait, one request in so many is a slow one: other requests delay slow ones, but never starve
 * them.
 */
const SLOW_SHARE = 50;
/** Most queues that are kept. Empty queues are kept too, since they hold the order of the projects. */
const MAX_QUEUES = 10_000;

/** The order in which queues are served: fast requests, projects with a slow request, slow requests, retries. */
type Rank = 0 | 1 | 2 | 3;
const USUAL_ORDER: readonly number[] = [0, 1, 2, 3];
const SLOW_FIRST_ORDER: readonly number[] = [2, 1, 0, 3];

type Name = string | symbol;
const RETRIES: unique symbol = Symbol('retries');

/**
 * Semaphore that is fair by project. Projects are served in a round robin that goes on from batch to batch, and
 * requests of one project in the order of their tickets. Projects with a recent slow request are served after the
 * others, and slow requests after these. Together they get at most half of the permits, since they may keep them for
 * long. Requests without an origin never count as slow: in a project with a slow request they have a queue of their
 * own, which is served with those of the other projects. Retries come last of all.
 */
export class FairSemaphore {
  /** The first queue is served next. Empty queues stay, so that the next batch goes on where the last one ended. */
  readonly #queues = new Map<Name, RequestQueue>();
  readonly #slow = new Map<string, { rank: 1 | 2; untilMs: number }>();
  #underWay = 0;
  #slowUnderWay = 0;
  #sinceSlow = 0;

  constructor(private readonly options: FairSemaphoreOptions) {}

  /**
   * Runs the work when it has a permit, and resolves to its result. If `signal` aborts before that, the work is
   * dropped.
   * @throws NotSent if `position.sendBy` aborts before the work has a permit.
   */
  async run<T>(
    work: () => Promise<T>,
    origin?: RequestOrigin,
    signal?: AbortSignal,
    position?: QueuePosition,
  ): Promise<T> {
    const isSlow = await this.#permit(origin, signal, position);
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      if (isSlow) this.#slowUnderWay -= 1;
      this.#serve();
    }
  }

  /** Records that a request took long, with or without success. */
  markSlow({ project, query }: RequestOrigin): void {
    const untilMs = this.options.clock.monotonicMs() + REMEMBERED_MS;
    this.#slow.set(project, { rank: 1, untilMs }).set(query, { rank: 2, untilMs });
  }

  /** Forgets which requests were slow: the backend was the cause, and not the queries. */
  forgetSlow(): void {
    this.#slow.clear();
  }

  #permit(
    origin: RequestOrigin | undefined,
    signal: AbortSignal | undefined,
    position: QueuePosition | undefined,
  ): Promise<boolean> {
    const sendBy = position?.sendBy;
    let hasBegun = false;
    const permit = new Promise<boolean>((resolve) => {
      const waiting: WaitingRequest = {
        ticket: position?.ticket ?? Infinity,
        isShared: position?.isShared ?? false,
        origin,
        isGone: () => hasBegun || signal?.aborted === true || sendBy?.aborted === true,
        begin(isSlow) {
          hasBegun = true;
          resolve(isSlow);
        },
      };
      for (const name of this.#namesFor(origin, position)) this.#queueOf(name).push(waiting);
      // In a later microtask, when all requests of this tick wait: their order of arrival must not count.
      queueMicrotask(() => this.#serve());
    });
    if (sendBy === undefined) return permit;
    return untilAborted(permit, sendBy).catch((cause: unknown) => {
      throw new NotSent(cause);
    });
  }

  #namesFor(origin: RequestOrigin | undefined, position: QueuePosition | undefined): Name[] {
    if (position?.isRetry) return [RETRIES];
    const projects = position?.projects.map((project) => JSON.stringify(project)) ?? [];
    if (projects.length === 0 && origin !== undefined) projects.push(origin.project);
    if (projects.length === 0) return [Symbol('its own')];
    if (origin !== undefined && this.#rankOf(origin.query) === 2) return [`slow ${projects[0]}`];
    return projects.flatMap((project) => [
      `fast ${project}`,
      ...(origin === undefined ? [`no origin ${project}`] : []),
    ]);
  }

  #queueOf(name: Name): RequestQueue {
    const queue = this.#queues.get(name) ?? new RequestQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  #rankOf(name: string): 0 | 1 | 2 {
    const slow = this.#slow.get(name);
    if (slow === undefined) return 0;
    if (this.options.clock.monotonicMs() < slow.untilMs) return slow.rank;
    this.#slow.delete(name);
    return 0;
  }

  #rankOfQueue(name: Name): Rank {
    if (name === RETRIES) return 3;
    if (typeof name === 'symbol') return 0;
    if (name.startsWith('no origin ')) return 0;
    return name.startsWith('slow ') ? 2 : this.#rankOf(name.slice('fast '.length));
  }

  #serve(): void {
    while (this.#underWay < this.options.concurrency) {
      const name = this.#next();
      if (name === undefined) return;
      const queue = this.#queueOf(name);
      const waiting = queue.shift();
      const isSlow = waiting !== undefined && this.#isSlow(this.#rankOfQueue(name), waiting);
      this.#underWay += 1;
      if (isSlow) this.#slowUnderWay += 1;
      this.#sinceSlow = isSlow && this.#rankOfQueue(name) === 2 ? 0 : this.#sinceSlow + 1;
      this.#queues.delete(name);
      if (typeof name === 'string' || queue.first() !== undefined) this.#queues.set(name, queue);
      waiting?.begin(isSlow);
    }
  }

  #isSlow(rank: Rank, { origin }: WaitingRequest): boolean {
    if (origin === undefined) return false;
    if (rank !== 3) return rank > 0;
    return this.#rankOf(origin.query) > 0 || this.#rankOf(origin.project) > 0;
  }

  /** The queue to be served next. */
  #next(): Name | undefined {
    const mayBeSlow = this.#slowUnderWay < Math.ceil(this.options.concurrency / 2);
    const isSlowNext = mayBeSlow && this.#slow.size > 0 && this.#sinceSlow >= SLOW_SHARE;
    const order = isSlowNext ? SLOW_FIRST_ORDER : USUAL_ORDER;
    let next: Name | undefined;
    let lowest = Infinity;
    for (const [name, queue] of this.#queues) {
      const first = queue.first();
      if (first === undefined) this.#forgetEmpty(name);
      else {
        const rank = this.#rankOfQueue(name);
        const position = order[rank] as number;
        if (position >= lowest || this.#isIdle(name) || (!mayBeSlow && this.#isSlow(rank, first))) continue;
        [next, lowest] = [name, position];
        if (position === 0) break;
      }
    }
    return next;
  }

  /** While no request of a project is slow, its requests without an origin are served in its other queue. */
  #isIdle(name: Name): boolean {
    return (
      typeof name === 'string' && name.startsWith('no origin ') && this.#rankOf(name.slice('no origin '.length)) === 0
    );
  }

  /** An idle queue is never served, so it would keep its place at the front of all others. */
  #forgetEmpty(name: Name): void {
    if (typeof name === 'symbol' || this.#isIdle(name) || this.#queues.size > MAX_QUEUES) this.#queues.delete(name);
  }
}

import type { Clock } from '../../clock.js';
import { untilAborted } from '../../async/deadline.js';
import type { RequestOrigin, QueuePosition } from './queue-ticket.js';
import { NotSent } from './backend-unavailable.js';
import { RequestQueue, type WaitingRequest } from './request-queue.js';

export interface FairSemaphoreOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** So long a request that took long is remembered. */
const REMEMBERED_MS = 300_000;
/**
 * While slow requests wait, one request in so many is a slow one: other requests delay slow ones, but never starve
 * them.
 */
const SLOW_SHARE = 50;
/** Most lines that are kept. Empty lines are kept, since they hold the order of the projects. */
const MAX_QUEUES = 10_000;

/** The order in which lines are served: fast requests, projects with a slow request, slow requests, retries. */
type Rank = 0 | 1 | 2 | 3;
const USUAL_ORDER: readonly number[] = [0, 1, 2, 3];
const SLOW_FIRST_ORDER: readonly number[] = [2, 1, 0, 3];

type Name = string | symbol;
const RETRIES: unique symbol = Symbol('retries');

/**
 * Semaphore that is fair by project: projects are served in a round robin that goes on from batch to batch, and
 * requests of one project in the order of their tickets. Projects with a recent slow request are served after the
 * others, and slow requests after these. Together they get at most half of the permits, since they may keep them for
 * long. Requests without an origin are never remembered as slow: in a project with a slow request they have a line of
 * their own, which is served with those of the other projects. Retries come last of all.
 */
export class FairSemaphore {
  /**
   * The line to be served next is the first one. Empty lines stay, so that the next batch goes on where the last one
   * ended.
   */
  readonly #lines = new Map<Name, RequestQueue>();
  readonly #slow = new Map<string, { rank: 1 | 2; untilMs: number }>();
  #underWay = 0;
  #slowUnderWay = 0;
  #sinceSlow = 0;

  constructor(private readonly options: FairSemaphoreOptions) {}

  /**
   * Runs the work when it has a permit, and resolves to its result. If `signal` aborts before that, the work is
   * dropped.
   * @throws NotSent if `place.sendBy` aborts before the work has a permit.
   */
  async run<T>(
    work: () => Promise<T>,
    origin?: RequestOrigin,
    signal?: AbortSignal,
    place?: QueuePosition,
  ): Promise<T> {
    const isSlow = await this.#permit(origin, signal, place);
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      if (isSlow) this.#slowUnderWay -= 1;
      this.#serve();
    }
  }

  /** A request took long, whatever came of it. */
  markSlow({ project, query: question }: RequestOrigin): void {
    const untilMs = this.options.clock.monotonicMs() + REMEMBERED_MS;
    this.#slow.set(project, { rank: 1, untilMs }).set(question, { rank: 2, untilMs });
  }

  /** It was the backend that took long, not what it was asked. */
  forgetSlow(): void {
    this.#slow.clear();
  }

  #permit(
    origin: RequestOrigin | undefined,
    signal: AbortSignal | undefined,
    place: QueuePosition | undefined,
  ): Promise<boolean> {
    const sendBy = place?.sendBy;
    let hasBegun = false;
    const permit = new Promise<boolean>((resolve) => {
      const waiting: WaitingRequest = {
        ticket: place?.ticket ?? Infinity,
        isShared: place?.isShared ?? false,
        origin,
        isGone: () => hasBegun || signal?.aborted === true || sendBy?.aborted === true,
        begin(isSlow) {
          hasBegun = true;
          resolve(isSlow);
        },
      };
      for (const name of this.#namesFor(origin, place)) this.#lineOf(name).push(waiting);
      // In a later microtask, when all requests of this tick wait: their order of arrival must not count.
      queueMicrotask(() => this.#serve());
    });
    if (sendBy === undefined) return permit;
    return untilAborted(permit, sendBy).catch((cause: unknown) => {
      throw new NotSent(cause);
    });
  }

  #namesFor(origin: RequestOrigin | undefined, place: QueuePosition | undefined): Name[] {
    if (place?.isRetry) return [RETRIES];
    const projects = place?.projects.map((project) => JSON.stringify(project)) ?? [];
    if (projects.length === 0 && origin !== undefined) projects.push(origin.project);
    if (projects.length === 0) return [Symbol('its own')];
    if (origin !== undefined && this.#rankOf(origin.query) === 2) return [`slow ${projects[0]}`];
    return projects.flatMap((project) => [
      `fast ${project}`,
      ...(origin === undefined ? [`no origin ${project}`] : []),
    ]);
  }

  #lineOf(name: Name): RequestQueue {
    const line = this.#lines.get(name) ?? new RequestQueue();
    this.#lines.set(name, line);
    return line;
  }

  #rankOf(name: string): 0 | 1 | 2 {
    const slow = this.#slow.get(name);
    if (slow === undefined) return 0;
    if (this.options.clock.monotonicMs() < slow.untilMs) return slow.rank;
    this.#slow.delete(name);
    return 0;
  }

  #rankOfLine(name: Name): Rank {
    if (name === RETRIES) return 3;
    if (typeof name === 'symbol') return 0;
    if (name.startsWith('no origin ')) return 0;
    return name.startsWith('slow ') ? 2 : this.#rankOf(name.slice('fast '.length));
  }

  #serve(): void {
    while (this.#underWay < this.options.concurrency) {
      const name = this.#next();
      if (name === undefined) return;
      const line = this.#lineOf(name);
      const waiting = line.shift();
      const isSlow = waiting !== undefined && this.#isSlow(this.#rankOfLine(name), waiting);
      this.#underWay += 1;
      if (isSlow) this.#slowUnderWay += 1;
      this.#sinceSlow = isSlow && this.#rankOfLine(name) === 2 ? 0 : this.#sinceSlow + 1;
      this.#lines.delete(name);
      if (typeof name === 'string' || line.first() !== undefined) this.#lines.set(name, line);
      waiting?.begin(isSlow);
    }
  }

  #isSlow(rank: Rank, { origin }: WaitingRequest): boolean {
    if (origin === undefined) return false;
    if (rank !== 3) return rank > 0;
    return this.#rankOf(origin.query) > 0 || this.#rankOf(origin.project) > 0;
  }

  /** The line to be served next. */
  #next(): Name | undefined {
    const mayBeSlow = this.#slowUnderWay < Math.ceil(this.options.concurrency / 2);
    const isSlowsTurn = mayBeSlow && this.#slow.size > 0 && this.#sinceSlow >= SLOW_SHARE;
    const order = isSlowsTurn ? SLOW_FIRST_ORDER : USUAL_ORDER;
    let next: Name | undefined;
    let lowest = Infinity;
    for (const [name, line] of this.#lines) {
      const first = line.first();
      if (first === undefined) this.#forgetEmpty(name);
      else {
        const rank = this.#rankOfLine(name);
        const place = order[rank] as number;
        if (place >= lowest || this.#isIdle(name) || (!mayBeSlow && this.#isSlow(rank, first))) continue;
        [next, lowest] = [name, place];
        if (place === 0) break;
      }
    }
    return next;
  }

  /** While no request of a project is slow, its requests without an origin are served in its other line. */
  #isIdle(name: Name): boolean {
    return (
      typeof name === 'string' && name.startsWith('no origin ') && this.#rankOf(name.slice('no origin '.length)) === 0
    );
  }

  #forgetEmpty(name: Name): void {
    if (typeof name === 'symbol' || this.#lines.size > MAX_QUEUES) this.#lines.delete(name);
  }
}

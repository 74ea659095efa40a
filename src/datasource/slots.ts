import type { Clock } from '../clock.js';
import { untilAborted } from '../until-aborted.js';
import type { Origin, Place } from './queue-place.js';
import { NotSent } from './trouble.js';
import { WaitingLine, type Waiting } from './waiting-line.js';

export interface SlotsOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** So long a request that took long is remembered. */
const REMEMBERED_MS = 300_000;
/** One request in so many is a slow one where slow ones wait, so that other work delays them and does not shut them out. */
const SLOW_SHARE = 50;
/** Empty lines are kept for the order of the projects, up to so many. */
const MOST_LINES = 10_000;

/** In which order lines are served: what took no long time, projects with a slow request, slow requests, retries. */
type Rank = 0 | 1 | 2 | 3;
const USUALLY: readonly number[] = [0, 1, 2, 3];
const SLOW_FIRST: readonly number[] = [2, 1, 0, 3];

type Name = string | symbol;
const RETRIES: unique symbol = Symbol('retries');

/**
 * Semaphore that is fair by project: projects are served in a round robin that goes on from batch to batch, each in the order of its tickets. A project with
 * a request that took long comes after all others, and such requests come last; all of these have at most half of the permits, since they may
 * keep them for long. Retries come last of all.
 */
export class Slots {
  /** The line to be served next stands first. Empty ones stay, so that the next batch goes on where the last one ended. */
  readonly #lines = new Map<Name, WaitingLine>();
  readonly #slow = new Map<string, { rank: 1 | 2; untilMs: number }>();
  #underWay = 0;
  #slowUnderWay = 0;
  #sinceSlow = 0;

  constructor(private readonly options: SlotsOptions) {}

  /**
   * What the work comes to, when it has its permit. Where `signal` aborts before that it is forgotten, and nothing comes of it.
   * @throws NotSent when `place.sendBy` aborts before that.
   */
  async take<T>(work: () => Promise<T>, origin?: Origin, signal?: AbortSignal, place?: Place): Promise<T> {
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
  tookLong({ project, question }: Origin): void {
    const untilMs = this.options.clock.monotonicMs() + REMEMBERED_MS;
    this.#slow.set(project, { rank: 1, untilMs }).set(question, { rank: 2, untilMs });
  }

  /** It was the backend that took long, not what it was asked. */
  forgive(): void {
    this.#slow.clear();
  }

  #permit(origin: Origin | undefined, signal: AbortSignal | undefined, place: Place | undefined): Promise<boolean> {
    const sendBy = place?.sendBy;
    let hasBegun = false;
    const permit = new Promise<boolean>((resolve) => {
      const waiting: Waiting = {
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
      // Not before all that is asked at once waits: it is not the order in which it comes that counts.
      queueMicrotask(() => this.#serve());
    });
    if (sendBy === undefined) return permit;
    return untilAborted(permit, sendBy).catch((cause: unknown) => {
      throw new NotSent(cause);
    });
  }

  #namesFor(origin: Origin | undefined, place: Place | undefined): Name[] {
    if (place?.isRetry) return [RETRIES];
    const projects = place?.projects.map((project) => JSON.stringify(project)) ?? [];
    if (projects.length === 0 && origin !== undefined) projects.push(origin.project);
    if (projects.length === 0) return [Symbol('its own')];
    if (origin !== undefined && this.#rankOf(origin.question) === 2) return [`slow ${projects[0]}`];
    return projects.map((project) => `fast ${project}`);
  }

  #lineOf(name: Name): WaitingLine {
    const line = this.#lines.get(name) ?? new WaitingLine();
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

  #isSlow(rank: Rank, { origin }: Waiting): boolean {
    if (rank !== 3) return rank > 0;
    return origin !== undefined && (this.#rankOf(origin.question) > 0 || this.#rankOf(origin.project) > 0);
  }

  /** The line whose turn it is. */
  #next(): Name | undefined {
    const mayBeSlow = this.#slowUnderWay < Math.ceil(this.options.concurrency / 2);
    const isSlowsTurn = mayBeSlow && this.#slow.size > 0 && this.#sinceSlow >= SLOW_SHARE;
    const order = isSlowsTurn ? SLOW_FIRST : USUALLY;
    let next: Name | undefined;
    let lowest = Infinity;
    for (const [name, line] of this.#lines) {
      const first = line.first();
      if (first === undefined) this.#forgetEmpty(name);
      else {
        const rank = this.#rankOfLine(name);
        const place = order[rank] as number;
        if (place >= lowest || (!mayBeSlow && this.#isSlow(rank, first))) continue;
        [next, lowest] = [name, place];
        if (place === 0) break;
      }
    }
    return next;
  }

  #forgetEmpty(name: Name): void {
    if (typeof name === 'symbol' || this.#lines.size > MOST_LINES) this.#lines.delete(name);
  }
}

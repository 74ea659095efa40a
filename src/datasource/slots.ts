import type { Clock } from '../clock.js';

export interface SlotsOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** Where a request comes from. No project has the name of a question. */
export interface Origin {
  project: string;
  question: string;
}

interface Waiting {
  signal: AbortSignal | undefined;
  begin: (isSlow: boolean) => void;
}

/** So long a request that took long is remembered. */
const REMEMBERED_MS = 300_000;

/**
 * Who may ask when. Projects take turns, so that many questions of one do not keep another from asking. A project with a request that took long comes
 * after all others, and such questions come last; all of these have half of the slots between them, since they may keep them for long.
 */
export class Slots {
  /**
   * Who waits, in lines that take turns: one for each project, each question that took long, and each request of no one origin. Whose turn is next
   * stands first. Lines for what took long stay when nobody waits in them, so that the next batch goes on where the last one ended.
   */
  readonly #lines = new Map<string | symbol, Waiting[]>();
  readonly #slow = new Map<string | symbol, { rank: 1 | 2; untilMs: number }>();
  #underWay = 0;
  #slowUnderWay = 0;

  constructor(private readonly options: SlotsOptions) {}

  /** What the work comes to, when it is its turn. Where the signal aborts before that it is forgotten, and nothing comes of it. */
  async take<T>(work: () => Promise<T>, origin?: Origin, signal?: AbortSignal): Promise<T> {
    const isSlow = await new Promise<boolean>((begin) => {
      this.#lineOf(this.#nameOf(origin)).push({ signal, begin });
      // Not before all that is asked at once waits: it is not the order in which it comes that counts.
      queueMicrotask(() => this.#serve());
    });
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
    this.#lineOf(project);
    this.#lineOf(question);
  }

  /** It was the backend that took long, not what it was asked. */
  forgive(): void {
    this.#slow.clear();
  }

  #nameOf(origin: Origin | undefined): string | symbol {
    if (origin === undefined) return Symbol('its own');
    return this.#rankOf(origin.question) === 0 ? origin.project : origin.question;
  }

  #lineOf(name: string | symbol): Waiting[] {
    const line = this.#lines.get(name) ?? [];
    this.#lines.set(name, line);
    return line;
  }

  /** Those of the lowest rank come first. */
  #rankOf(name: string | symbol): 0 | 1 | 2 {
    const slow = this.#slow.get(name);
    return slow !== undefined && this.options.clock.monotonicMs() < slow.untilMs ? slow.rank : 0;
  }

  #serve(): void {
    while (this.#underWay < this.options.concurrency) {
      const name = this.#next();
      if (name === undefined) return;
      const line = this.#lineOf(name);
      const isSlow = this.#rankOf(name) > 0;
      this.#underWay += 1;
      if (isSlow) this.#slowUnderWay += 1;
      line.shift()?.begin(isSlow);
      this.#lines.delete(name);
      if (line.length > 0 || isSlow) this.#lines.set(name, line);
    }
  }

  /** Whose turn it is. */
  #next(): string | symbol | undefined {
    const slotsForSlow = Math.ceil(this.options.concurrency / 2);
    let next: string | symbol | undefined;
    let lowest = this.#slowUnderWay < slotsForSlow ? 3 : 1;
    for (const [name, line] of this.#lines) {
      const rank = this.#rankOf(name);
      while (line[0]?.signal?.aborted) line.shift();
      if (line.length === 0 && rank === 0) this.#forget(name);
      if (line.length === 0 || rank >= lowest) continue;
      [next, lowest] = [name, rank];
      if (rank === 0) break;
    }
    return next;
  }

  #forget(name: string | symbol): void {
    this.#lines.delete(name);
    this.#slow.delete(name);
  }
}

import type { Clock } from '../clock.js';

export interface SlotsOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

interface Waiting {
  asker: string | undefined;
  /** Told whether the slot is one of those for slow askers. */
  begin: (isForSlow: boolean) => void;
}

interface Slow {
  untilMs: number;
  servedMs: number;
}

/** So long an asker whose request took long counts as slow. */
const REMEMBERED_MS = 300_000;
const MAX_REMEMBERED = 1_000;

/**
 * Who may ask when. First come, first served; but slow askers come after all others, share half of the slots, and among themselves it is the turn of
 * the one that has waited longest for one: however many questions they have, they cannot keep others from asking.
 */
export class Slots {
  readonly #ordinary: Waiting[] = [];
  readonly #held: Waiting[] = [];
  readonly #slow = new Map<string, Slow>();
  #underWay = 0;
  #heldUnderWay = 0;
  #ordinaryMs = -Infinity;

  constructor(private readonly options: SlotsOptions) {}

  /** What the work comes to, when it is its turn. */
  async take<T>(work: () => Promise<T>, asker: string | undefined): Promise<T> {
    const isHeld = await this.#turn(asker);
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      if (isHeld) this.#heldUnderWay -= 1;
      this.#serve();
    }
  }

  /** A request of theirs took long, whatever came of it. */
  tookLong(asker: string): void {
    const nowMs = this.options.clock.monotonicMs();
    const known = this.#slow.get(asker);
    this.#slow.delete(asker);
    this.#slow.set(asker, { untilMs: nowMs + REMEMBERED_MS, servedMs: known?.servedMs ?? nowMs });
    for (const oldest of this.#slow.keys()) {
      if (this.#slow.size <= MAX_REMEMBERED) break;
      this.#slow.delete(oldest);
    }
    for (const waiting of this.#ordinary.splice(0)) (waiting.asker === asker ? this.#held : this.#ordinary).push(waiting);
  }

  /** It was not the askers who were slow. */
  forgive(): void {
    this.#slow.clear();
    this.#ordinary.push(...this.#held.splice(0));
  }

  /** Resolves with a slot taken; true: one of those for slow askers. */
  #turn(asker: string | undefined): Promise<boolean> {
    const isSlow = asker !== undefined && this.#isSlow(asker);
    if (!isSlow) this.#ordinaryMs = this.options.clock.monotonicMs();
    return new Promise((begin) => {
      (isSlow ? this.#held : this.#ordinary).push({ asker, begin });
      this.#serve();
    });
  }

  #serve(): void {
    const { concurrency } = this.options;
    while (this.#underWay < concurrency) {
      const ordinary = this.#ordinary.shift();
      const next = ordinary ?? this.#nextHeld();
      if (next === undefined) return;
      this.#underWay += 1;
      if (ordinary === undefined) this.#heldUnderWay += 1;
      next.begin(ordinary === undefined);
    }
  }

  #nextHeld(): Waiting | undefined {
    if (this.#heldUnderWay >= this.#slotsForSlow()) return undefined;
    let next: Waiting | undefined;
    for (const waiting of this.#held) if (next === undefined || this.#servedMs(waiting) < this.#servedMs(next)) next = waiting;
    if (next === undefined) return undefined;
    this.#held.splice(this.#held.indexOf(next), 1);
    const slow = this.#slow.get(next.asker ?? '');
    if (slow) slow.servedMs = this.options.clock.monotonicMs();
    return next;
  }

  /** All of them where there is nobody else to keep from asking. */
  #slotsForSlow(): number {
    const { concurrency, clock } = this.options;
    const isAlone = clock.monotonicMs() - this.#ordinaryMs > REMEMBERED_MS;
    return isAlone ? concurrency : Math.ceil(concurrency / 2);
  }

  #servedMs({ asker = '' }: Waiting): number {
    return this.#slow.get(asker)?.servedMs ?? -Infinity;
  }

  #isSlow(asker: string): boolean {
    const slow = this.#slow.get(asker);
    return slow !== undefined && this.options.clock.monotonicMs() < slow.untilMs;
  }
}

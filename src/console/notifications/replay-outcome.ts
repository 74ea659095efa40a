import type { LiveEvent } from '../requests/live-events.js';

/** How the notifications of a replay have ended so far. */
export interface ReplayOutcome {
  /** Numbers by their statuses, such as `delivered`. */
  ended: Readonly<Record<string, number>>;
  /** Number of those that have not ended. */
  waiting: number;
  /** True if events may have been missed: those that seem to wait may have ended. */
  hasGap: boolean;
}

/** Follows the ends of the notifications of one replay in the stream, whether ids or events come first. */
export class OutcomeFollower {
  readonly #replayed = new Set<string>();
  readonly #ended = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #waiting = 0;
  #isComplete = false;
  #hasGap = false;

  /** `since`: ends before this time were not of this replay. Milliseconds since 1970. */
  constructor(private readonly sinceMs: number) {}

  /** Adds notifications that will be sent again. */
  add(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#replayed.has(id)) continue;
      this.#replayed.add(id);
      const status = this.#ended.get(id);
      if (status === undefined) this.#waiting += 1;
      else this.#count(status, 1);
    }
  }

  /** All have been added: the ends of others are kept no longer. */
  complete(): void {
    this.#isComplete = true;
    for (const id of [...this.#ended.keys()]) if (!this.#replayed.has(id)) this.#ended.delete(id);
  }

  /** True if all have been added and have ended. */
  isOver(): boolean {
    return this.#isComplete && this.#waiting === 0;
  }

  /** Takes note of events. Returns true if they change the outcome. */
  hear(events: readonly LiveEvent[]): boolean {
    return events.map((event) => this.#note(event)).includes(true);
  }

  outcome(): ReplayOutcome {
    const ended = Object.fromEntries([...this.#counts].filter(([, count]) => count > 0));
    return { ended, waiting: this.#waiting, hasGap: this.#hasGap };
  }

  #note({ name, data }: LiveEvent): boolean {
    if (name === 'reset') {
      const isNews = !this.#hasGap;
      this.#hasGap = true;
      return isNews;
    }
    if (name !== 'delivery' || !('notification_id' in data)) return false;
    return Date.parse(data.time) >= this.sinceMs && this.#end(data.notification_id, data.status);
  }

  #end(id: string, status: string): boolean {
    const isReplayed = this.#replayed.has(id);
    if (!isReplayed && this.#isComplete) return false;
    const before = this.#ended.get(id);
    this.#ended.set(id, status);
    if (!isReplayed || status === before) return false;
    if (before === undefined) this.#waiting -= 1;
    else this.#count(before, -1);
    this.#count(status, 1);
    return true;
  }

  #count(status: string, by: number): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + by);
  }
}

/**
 * `3 delivered, 2 dead again, 1 is waiting to be sent`. Says only what is known. `before`: the status from which they
 * were sent again.
 */
export function outcomeText({ ended, waiting, hasGap }: ReplayOutcome, before: string | undefined): string {
  const ends = Object.entries(ended)
    .sort(([one], [other]) => Number(other === 'delivered') - Number(one === 'delivered'))
    .map(([status, count]) => `${count} ${status}${status === before ? ' again' : ''}`);
  const seen = hasGap ? 'not seen to end' : `${waiting === 1 ? 'is' : 'are'} waiting to be sent`;
  return [...ends, ...(waiting > 0 ? [`${waiting} ${seen}`] : [])].join(', ');
}

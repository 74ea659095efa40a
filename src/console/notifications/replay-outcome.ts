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

  /** Takes note of events. */
  hear(events: readonly LiveEvent[]): void {
    for (const { name, data } of events) {
      if (name === 'reset') this.#hasGap = true;
      if (name !== 'delivery' || !('notification_id' in data)) continue;
      if (Date.parse(data.time) >= this.sinceMs) this.#end(data.notification_id, data.status);
    }
  }

  outcome(): ReplayOutcome {
    const ended = Object.fromEntries([...this.#counts].filter(([, count]) => count > 0));
    return { ended, waiting: this.#waiting, hasGap: this.#hasGap };
  }

  #end(id: string, status: string): void {
    const before = this.#ended.get(id);
    this.#ended.set(id, status);
    if (!this.#replayed.has(id)) return;
    if (before === undefined) this.#waiting -= 1;
    else this.#count(before, -1);
    this.#count(status, 1);
  }

  #count(status: string, by: number): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + by);
  }
}

/** `3 delivered, 2 dead again, 1 is waiting to be sent`. Says only what is known. */
export function outcomeText({ ended, waiting, hasGap }: ReplayOutcome): string {
  const ends = Object.entries(ended)
    .sort(([one], [other]) => Number(other === 'delivered') - Number(one === 'delivered'))
    .map(([status, count]) => `${count} ${status === 'dead' ? 'dead again' : status}`);
  const seen = hasGap ? 'not seen to end' : `${waiting === 1 ? 'is' : 'are'} waiting to be sent`;
  return [...ends, ...(waiting > 0 ? [`${waiting} ${seen}`] : [])].join(', ');
}

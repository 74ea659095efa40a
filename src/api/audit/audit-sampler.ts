import type { Clock } from '../../clock.js';
import type { AuditEntry } from '../../storage/audit/audit-entry.js';

interface SampledMinute {
  endsMs: number;
  left: number;
  /** Stands for all entries of the minute that were held back; undefined if there are none. Names no object if they
   * had several. */
  held: AuditEntry | undefined;
}

const MINUTE_MS = 60_000;
const MAX_MINUTES = 10_000;

/**
 * Bounds the number of entries of one kind: the first of a minute are stored, the others become one entry with their
 * number when the minute is over. A client that is refused a thousand times a second cannot fill the trail.
 */
export class AuditSampler {
  /** By kind, in the order of their ends. */
  readonly #minutes = new Map<string, SampledMinute>();
  #held = 0;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** True if entries are held back. */
  get holdsEntries(): boolean {
    return this.#held > 0;
  }

  /** True if the entry is to be stored now: one of the first `most` of its kind within a minute. */
  admits(entry: AuditEntry, kind: string, most: number): boolean {
    const minute = this.#minuteOf(kind, most);
    if (minute.left > 0) {
      minute.left -= 1;
      return true;
    }
    if (!minute.held) this.#held += 1;
    const { held } = minute;
    const objectId = held && held.objectId !== entry.objectId ? null : entry.objectId;
    minute.held = { ...entry, objectId, count: (held?.count ?? 0) + 1 };
    return false;
  }

  /** Removes the minutes that are over, with `all` also the current ones, and returns the entries that they hold. */
  take({ all = false } = {}): AuditEntry[] {
    const taken: AuditEntry[] = [];
    for (const [kind, { endsMs, held }] of this.#minutes) {
      const isFull = this.#minutes.size > MAX_MINUTES;
      if (!all && !isFull && this.clock.monotonicMs() < endsMs) break;
      this.#minutes.delete(kind);
      if (held) taken.push(held);
    }
    this.#held -= taken.length;
    return taken;
  }

  #minuteOf(kind: string, most: number): SampledMinute {
    const nowMs = this.clock.monotonicMs();
    const known = this.#minutes.get(kind);
    // A minute that holds an entry counts on until `take` returns the entry, so that it is not lost.
    if (known && (nowMs < known.endsMs || known.held)) return known;
    this.#minutes.delete(kind);
    const minute = { endsMs: nowMs + MINUTE_MS, left: most, held: undefined };
    this.#minutes.set(kind, minute);
    return minute;
  }
}

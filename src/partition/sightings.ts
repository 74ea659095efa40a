/** A member as a store shows it. `beatAt` is in the store's time and is only compared for equality. */
export interface MemberBeat {
  id: string;
  beatAt: number;
  /** The age of the heartbeat by the store's clock, when it was read. */
  ageMs: number;
}

interface Sighting {
  beatAt: number;
  seenMs: number;
}

/**
 * When this process saw the last heartbeat of each member, in one store. Times are those of the observing clock of
 * `Membership`.
 */
export class Sightings {
  #seen = new Map<string, Sighting>();
  #readMs: number | undefined;

  /** Replaces the list of members by what the store shows now. */
  update(beats: readonly MemberBeat[], nowMs: number): void {
    const before = this.#seen;
    const sinceReadMs = this.#readMs === undefined ? Infinity : nowMs - this.#readMs;
    this.#seen = new Map(beats.map((beat) => [beat.id, sighted(beat, before.get(beat.id), nowMs, sinceReadMs)]));
    this.#readMs = nowMs;
  }

  /** Forgets all members, since the store cannot be read. */
  forget(): void {
    this.#seen.clear();
    this.#readMs = undefined;
  }

  /** The members whose last heartbeat was seen less than `leaseMs` ago. */
  alive(nowMs: number, leaseMs: number): string[] {
    return [...this.#seen].filter(([, { seenMs }]) => nowMs - seenMs < leaseMs).map(([id]) => id);
  }
}

/** A new heartbeat happened after the last read, even if it seems older by the store's clock, which may jump. */
function sighted(beat: MemberBeat, before: Sighting | undefined, nowMs: number, sinceReadMs: number): Sighting {
  if (before?.beatAt === beat.beatAt) return before;
  const ageMs = Math.max(0, beat.ageMs);
  return { beatAt: beat.beatAt, seenMs: nowMs - (before === undefined ? ageMs : Math.min(ageMs, sinceReadMs)) };
}

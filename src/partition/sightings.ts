/** A member as a store shows it. `beatAt` is in the store's own time and only ever compared for being another one. */
export interface MemberBeat {
  id: string;
  beatAt: number;
  /** How old the heartbeat was, by the store's own clock, when it was read. */
  ageMs: number;
}

interface Sighting {
  beatAt: number;
  seenMs: number;
}

/**
 * When this process has seen whom beat, in one store. Pure bookkeeping; times are those of the observing clock of
 * `Membership`.
 */
export class Sightings {
  #seen = new Map<string, Sighting>();
  #readMs: number | undefined;

  /** Takes what the store shows now. Who is not in it has left it. */
  update(beats: readonly MemberBeat[], nowMs: number): void {
    const before = this.#seen;
    const sinceReadMs = this.#readMs === undefined ? Infinity : nowMs - this.#readMs;
    this.#seen = new Map(beats.map((beat) => [beat.id, sighted(beat, before.get(beat.id), nowMs, sinceReadMs)]));
    this.#readMs = nowMs;
  }

  /** For a store that cannot be read: it has no say. */
  forget(): void {
    this.#seen.clear();
    this.#readMs = undefined;
  }

  /** Those that were seen to beat less than `leaseMs` ago. */
  alive(nowMs: number, leaseMs: number): string[] {
    return [...this.#seen].filter(([, { seenMs }]) => nowMs - seenMs < leaseMs).map(([id]) => id);
  }
}

/**
 * A heartbeat that is new since the last look happened since then, whatever the store's clock says of its age: that
 * clock may jump.
 */
function sighted(beat: MemberBeat, before: Sighting | undefined, nowMs: number, sinceReadMs: number): Sighting {
  if (before?.beatAt === beat.beatAt) return before;
  const ageMs = Math.max(0, beat.ageMs);
  return { beatAt: beat.beatAt, seenMs: nowMs - (before === undefined ? ageMs : Math.min(ageMs, sinceReadMs)) };
}

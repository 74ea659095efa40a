import type { AlarmPiece, ReadAlarm, ReadPosition } from '../../storage/evaluation/evaluation-store.js';

/**
 * The read of one partition, in pieces: of all its alarms, or of its changes since a revision. It reads what was
 * committed before its first piece, so it ends, however much is written meanwhile. Its position is kept when a piece
 * fails.
 */
export class PartitionRead {
  #after: ReadPosition['after'];
  #until: string | null = null;
  #seen: string | null = null;

  /** `since` null: of all alarms. */
  constructor(
    readonly partition: number,
    since: string | null,
  ) {
    this.#after = { revision: since ?? '0', id: '' };
  }

  get position(): ReadPosition {
    return { partition: this.partition, after: this.#after, until: this.#until };
  }

  /**
   * When the read has ended: the revision below which all changes are in memory. It is that of the first piece: an
   * alarm may have changed after the piece that contains it.
   */
  get seen(): string | null {
    return this.#seen;
  }

  /** Goes on after the last alarm of a piece. */
  advance(piece: AlarmPiece, last: ReadAlarm | undefined): void {
    this.#seen ??= piece.seen;
    this.#until ??= piece.until;
    if (last) this.#after = { revision: last.revision, id: last.id };
  }
}

/**
 * Advances the reads that a piece of up to `limit` rows has reached. Returns those that have ended. If the piece is
 * full, these are the ones before that of its last alarm.
 */
export function advanceReads(reads: readonly PartitionRead[], piece: AlarmPiece, limit: number): PartitionRead[] {
  const last = piece.alarms.at(-1);
  const isFull = last !== undefined && piece.alarms.length >= limit;
  const lastIndex = isFull ? reads.findIndex(({ partition }) => partition === last.readFor) : reads.length;
  const ended = reads.slice(0, lastIndex);
  for (const read of ended) read.advance(piece, undefined);
  if (isFull) reads[lastIndex]?.advance(piece, last);
  return ended;
}

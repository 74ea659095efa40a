/** Rows of the first piece, before it is known how fast the database is. */
const FIRST_ROWS = 500;
const LEAST_ROWS = 10;
/** At some 10 µs a row, the alarms of a piece are taken over in 40 ms. */
const MOST_ROWS = 4_000;
/** A piece that takes longer is followed by a smaller one: other statements wait for it. */
const SLOW_MS = 1_000;
/** A full piece that takes less is followed by a larger one. */
const QUICK_MS = 250;
/** Characters of the rules of one piece, above which the next one is smaller. So memory for long rules is bounded. */
const MOST_CHARACTERS = 4_000_000;

/** How a piece was read. */
export interface PieceRead {
  rows: number;
  tookMs: number;
  /** Length of the texts in it. */
  characters: number;
}

/**
 * The number of rows to read with one statement. It follows the speed of the database, so that a slow one answers each
 * statement in time: after a failure the next try is a quarter.
 */
export class PieceSize {
  #rows = FIRST_ROWS;

  get rows(): number {
    return this.#rows;
  }

  read({ rows, tookMs, characters }: PieceRead): void {
    if (tookMs > SLOW_MS || characters > MOST_CHARACTERS) this.#rows = Math.max(LEAST_ROWS, Math.floor(this.#rows / 2));
    else if (tookMs < QUICK_MS && rows >= this.#rows && 2 * characters <= MOST_CHARACTERS)
      this.#rows = Math.min(MOST_ROWS, 2 * this.#rows);
  }

  failed(): void {
    this.#rows = Math.max(LEAST_ROWS, Math.floor(this.#rows / 4));
  }
}

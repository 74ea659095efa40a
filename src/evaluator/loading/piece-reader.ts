import { Mutex } from '../../async/mutex.js';
import type { Clock } from '../../clock.js';
import type { LoadedAlarm } from '../../storage/evaluation/evaluation-store.js';
import { PieceSize } from './piece-size.js';

/** Reads pieces of alarms, one at a time. Pieces of a load and of a refresh alternate. */
export class PieceReader {
  readonly #size = new PieceSize();
  readonly #pieces = new Mutex();
  /** Called after each piece, for all callers that wait for pieces. */
  readonly #listeners = new Set<() => void>();

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** Does work that reads pieces. `onPiece` is called after each piece of this work and of those that it waits for. */
  listening(onPiece: () => void, work: () => Promise<void>): Promise<void> {
    // An own function for each call: two calls may have the same one.
    const listener = (): void => onPiece();
    this.#listeners.add(listener);
    return work().finally(() => this.#listeners.delete(listener));
  }

  /** Calls the listeners: the work has got further. */
  advance(): void {
    for (const listener of this.#listeners) listener();
  }

  /**
   * Reads a piece of at most `rows` alarms and applies it. The number follows the speed of the database. Rejects as
   * `readAtMost` does.
   */
  read<Piece extends { alarms: readonly LoadedAlarm[] }>(
    readAtMost: (rows: number) => Promise<Piece>,
    apply: (piece: Piece, rows: number) => Promise<void>,
  ): Promise<void> {
    return this.#pieces.runExclusive(async () => {
      const { rows } = this.#size;
      const startedMs = this.clock.monotonicMs();
      const piece = await readAtMost(rows).catch((cause: unknown) => {
        this.#size.failed();
        throw cause;
      });
      const tookMs = this.clock.monotonicMs() - startedMs;
      const characters = piece.alarms.reduce((sum, { ruleJson }) => sum + ruleJson.length, 0);
      this.#size.read({ rows: piece.alarms.length, tookMs, characters });
      await apply(piece, rows);
      this.advance();
    });
  }
}

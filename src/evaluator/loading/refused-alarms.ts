import { inChunks } from '../../async/event-loop.js';
import type { EvaluationStore, LoadedAlarm } from '../../storage/evaluation/evaluation-store.js';
import type { PieceReader } from './piece-reader.js';

/** Alarms that are to be read again, since a commit has refused their outcomes. */
export class RefusedAlarms {
  readonly #ids = new Set<string>();

  constructor(private readonly deps: { pieces: PieceReader; byId: EvaluationStore['byId'] }) {}

  add(id: string): void {
    this.#ids.add(id);
  }

  /** Reads them in pieces and applies them. Rejects if a piece cannot be read; the next call goes on with it. */
  async readAll(apply: (alarm: LoadedAlarm) => void): Promise<void> {
    for (const left = [...this.#ids]; left.length > 0;) await this.#readSome(left, apply);
  }

  #readSome(left: string[], apply: (alarm: LoadedAlarm) => void): Promise<void> {
    const { pieces, byId } = this.deps;
    return pieces.read(
      async (rows) => {
        const ids = left.splice(0, rows);
        // Before the read: an alarm that is refused during it is to be read once more.
        for (const id of ids) this.#ids.delete(id);
        try {
          return { alarms: await byId(ids) };
        } catch (cause) {
          for (const id of ids) this.#ids.add(id);
          throw cause;
        }
      },
      async ({ alarms }) => {
        for await (const chunk of inChunks(alarms)) for (const alarm of chunk) apply(alarm);
      },
    );
  }
}

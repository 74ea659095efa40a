import type { Database } from '../../src/storage/database.js';
import type { SeenEvaluation } from './records.js';

/** Evaluations that were seen in the database since the start. */
export interface EvaluationWatch {
  readonly evaluations: readonly SeenEvaluation[];
  stop(): Promise<void>;
}

/** Far shorter than the interval, so that no evaluation of a partition is missed. */
const POLL_MS = 400;

/** Reads again and again when each partition was evaluated last. Goes on when the database is back. */
export function watchEvaluations(db: Database): EvaluationWatch {
  const evaluations: SeenEvaluation[] = [];
  const last = new Map<number, number>();
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      const { rows } = await db
        .query<{ id: number; at: Date }>(
          'select id, last_evaluated_at as at from partitions where last_evaluated_at is not null',
        )
        .catch(() => ({ rows: [] }));
      for (const { id, at } of rows) {
        if (last.get(id) === at.getTime()) continue;
        last.set(id, at.getTime());
        evaluations.push({ partition: id, atMs: at.getTime() });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    evaluations,
    stop: async () => {
      stop.abort();
      await loop;
    },
  };
}

import type { Chore } from '../housekeeping.js';
import type { Database } from '../storage/database.js';
import { ENDED_AT_ONCE, pruneEndedSecrets } from '../storage/receivers/signing-secret-store.js';

const HOUR_MS = 3_600_000;

/** Deletes signing secrets that sign no more. */
export function endedSecretsChore(db: Database): Chore {
  return {
    name: 'signing secrets',
    everyMs: HOUR_MS,
    batch: ENDED_AT_ONCE,
    run: (now) => pruneEndedSecrets(db, now),
  };
}

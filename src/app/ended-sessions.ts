import type { Chore } from '../housekeeping.js';
import type { Database } from '../storage/database.js';
import { createSessionStore } from '../storage/secrets/session-store.js';

const HOUR_MS = 3_600_000;
const BATCH = 1_000;

/** Deletes sessions of the console that have ended. */
export function endedSessionsChore(db: Database): Chore {
  const store = createSessionStore(db);
  return { name: 'sessions', everyMs: HOUR_MS, batch: BATCH, run: (now) => store.pruneEnded(now, BATCH) };
}

import { randomUUID } from 'node:crypto';

import { createKeyedRequests, type KeyedRequests } from '../api/http/idempotency.js';
import type { Clock } from '../clock.js';
import type { Chore } from '../housekeeping.js';
import type { Database } from '../storage/database.js';
import { createIdempotencyStore, pruneIdempotencyKeys } from '../storage/idempotency/idempotency-store.js';
import { RequestTransactions } from '../storage/idempotency/request-transactions.js';
import type { Sealer } from '../storage/secrets/sealed.js';

/** The database for all requests, and what answers those with an `Idempotency-Key`. */
export function openKeyedRequests(
  db: Database,
  { sealer, clock }: { sealer: Sealer; clock: Pick<Clock, 'now' | 'sleep'> },
): { database: Database; keyedRequests: KeyedRequests } {
  const transactions = new RequestTransactions(db);
  const store = createIdempotencyStore(transactions.database, sealer);
  const keyedRequests = createKeyedRequests({ store, transactions, clock, newId: () => randomUUID() });
  return { database: transactions.database, keyedRequests };
}

const HOUR_MS = 3_600_000;
const BATCH = 1_000;

/** Deletes idempotency keys that are older than a day. */
export function oldIdempotencyKeysChore(db: Database): Chore {
  const run = (now: Date): Promise<number> => pruneIdempotencyKeys(db, now, BATCH);
  return { name: 'idempotency keys', everyMs: HOUR_MS, batch: BATCH, run };
}

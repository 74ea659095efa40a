import type { FairPermits } from '../async/fair-permits.js';
import type { Database } from './database.js';

/**
 * A database whose connections are shared fairly: each statement outside of a transaction, and each transaction, waits
 * for a permit of the owner that `ownerOf` names at that moment.
 */
export function fairDatabase(db: Database, permits: FairPermits, ownerOf: () => string): Database {
  return {
    kind: db.kind,
    place: db.place,
    query: (text, parameters, options) => permits.run(ownerOf(), () => db.query(text, parameters, options)),
    transaction: (work) => permits.run(ownerOf(), () => db.transaction(work)),
    close: () => db.close(),
  };
}

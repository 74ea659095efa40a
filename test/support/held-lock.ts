import type { Database } from '../../src/storage/database.js';

/** A lock that a transaction of its own connection holds until it is released. */
export interface HeldLock {
  /** Commits the transaction, and resolves when the lock is free. */
  release: () => Promise<void>;
}

/** Runs a statement in a transaction that stays open, as a process does that is cut off from the database. */
export async function holdLock(db: Database, text: string, parameters: readonly unknown[] = []): Promise<HeldLock> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let done: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    done = db.transaction(async (tx) => {
      // Else the server ends it after ten seconds, which a busy machine may need.
      await tx.query('set local idle_in_transaction_session_timeout = 0');
      await tx.query(text, parameters);
      resolve();
      await released;
    });
    done.catch(reject);
  });
  return {
    release: async () => {
      release();
      await done;
    },
  };
}

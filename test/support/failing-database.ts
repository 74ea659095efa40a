import type { Database, Sql } from '../../src/storage/database.js';

/** A statement that waits. */
export interface HeldStatement {
  /** Resolves when the first one has come. */
  isHeld: Promise<void>;
  /** Lets it, and all later ones, go on. */
  now: () => void;
}

/** A database whose statements can be made to fail or to wait, in transactions and outside of them. */
export interface FailingDatabase extends Database {
  /** The texts of the statements since the last `heal`. */
  statements: readonly string[];
  /** Each statement that matches fails so, before the database gets it. */
  failAt(text: RegExp, failure: Error): void;
  /** Each statement that matches waits. */
  holdAt(text: RegExp): HeldStatement;
  /** Each transaction with a statement that matches is committed, and its answer is lost. */
  loseCommits(text: RegExp, failure: Error): void;
  /** Ends all of that. */
  heal(): void;
}

/** Wraps a database. */
export function failing(db: Database): FailingDatabase {
  const statements: string[] = [];
  let fault: { text: RegExp; meet: () => Promise<void> } | undefined;
  let loss: { text: RegExp; failure: Error } | undefined;
  const meeting = (sql: Sql, note?: (text: string) => void): Sql => ({
    async query(text, parameters, options) {
      statements.push(text);
      note?.(text);
      if (fault?.text.test(text)) await fault.meet();
      return sql.query(text, parameters, options);
    },
  });
  return {
    kind: db.kind,
    place: db.place,
    query: (text, parameters, options) => meeting(db).query(text, parameters, options),
    async transaction(work) {
      let lost: Error | undefined;
      const note = (text: string): void => void (loss?.text.test(text) && (lost = loss.failure));
      const result = await db.transaction((tx) => work(meeting(tx, note)));
      if (lost) throw lost;
      return result;
    },
    close: () => db.close(),
    statements,
    loseCommits: (text, failure) => (loss = { text, failure }),
    failAt: (text, failure) => (fault = { text, meet: () => Promise.reject(failure) }),
    holdAt(text) {
      let [come, go] = [() => {}, () => {}];
      const isHeld = new Promise<void>((resolve) => (come = resolve));
      const mayGo = new Promise<void>((resolve) => (go = resolve));
      fault = { text, meet: () => (come(), mayGo) };
      return { isHeld, now: go };
    },
    heal() {
      fault = undefined;
      loss = undefined;
      statements.length = 0;
    },
  };
}

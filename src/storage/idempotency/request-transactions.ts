import { AsyncLocalStorage } from 'node:async_hooks';

import { Mutex } from '../../async/mutex.js';
import type { Database, Sql } from '../database.js';
import { DatabaseUnavailable, isAnswered } from '../engine/outage.js';

interface OpenTransaction {
  tx: Sql;
  /** Savepoints of one transaction are nested, so one piece of work at a time has one. */
  savepoints: Mutex;
  isOver: boolean;
}

/**
 * Runs a whole request in one transaction: all statements that the request executes on `database` belong to it, and its
 * own transactions become savepoints. So the outcome of the request is stored together with what it changed. Requests
 * that are not run so use `database` as any other.
 */
export class RequestTransactions {
  readonly database: Database;
  readonly #open = new AsyncLocalStorage<OpenTransaction>();

  constructor(private readonly db: Database) {
    this.database = {
      kind: db.kind,
      place: db.place,
      query: (text, parameters, options) => (this.#current()?.tx ?? db).query(text, parameters, options),
      transaction: (work) => {
        const open = this.#current();
        return open ? open.savepoints.runExclusive(() => inSavepoint(open.tx, work)) : db.transaction(work);
      },
      close: () => db.close(),
    };
  }

  /** Commits when `work` resolves, and rolls back when it rejects. */
  run<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    return this.db.transaction(async (tx) => {
      const open: OpenTransaction = { tx, savepoints: new Mutex(), isOver: false };
      try {
        return await this.#open.run(open, () => work(tx));
      } finally {
        open.isOver = true;
      }
    });
  }

  /** Work that the request has left behind runs after it, outside of its transaction. */
  #current(): OpenTransaction | undefined {
    const open = this.#open.getStore();
    return open?.isOver === false ? open : undefined;
  }
}

async function inSavepoint<T>(tx: Sql, work: (tx: Sql) => Promise<T>): Promise<T> {
  await tx.query('savepoint part_of_request');
  try {
    const result = await work(tx);
    await tx.query('release savepoint part_of_request');
    return result;
  } catch (cause) {
    const isLost = cause instanceof DatabaseUnavailable && !isAnswered(cause);
    if (!isLost) await tx.query('rollback to savepoint part_of_request');
    throw cause;
  }
}

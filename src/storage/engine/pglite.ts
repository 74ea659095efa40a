import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { StartupError, toError } from '../../errors.js';
import type { Database, QueryResult, Sql } from '../database.js';
import { lockDirectory } from './directory-lock.js';
import { asDatabaseFailure, DatabaseUnavailable } from './outage.js';

/** What the worker thread opens. */
export interface WorkerData {
  dataDir: string | undefined;
  dumpFile: string | undefined;
}

export interface WorkerRequest {
  id: number;
  /** Absent: close the database. */
  text?: string;
  parameters?: readonly unknown[];
}

export interface WorkerReply {
  id: number;
  rows?: unknown[];
  rowCount?: number;
  error?: { name: string; message: string; code?: string };
}

/**
 * Opens the embedded database: PostgreSQL as a library, in a worker thread, on a directory that it locks (or in memory,
 * without one). PGlite runs without fsync: a crash of the process loses nothing, a crash of the machine can lose the
 * last commits. `dumpFile`: a tar file from PGlite's `dumpDataDir`, which a new database starts from.
 * @throws StartupError when the directory cannot be written or another process has it.
 */
export async function openPglite(
  dataDir: string | undefined,
  onLost: (cause: Error) => void = () => {},
  dumpFile?: string,
): Promise<Database> {
  const unlock = dataDir === undefined ? async (): Promise<void> => {} : await lockDirectory(dataDir, onLost);
  const worker = new Worker(new URL('./pglite-worker.js', import.meta.url), {
    workerData: {
      dataDir: dataDir === undefined ? undefined : path.join(dataDir, 'pglite'),
      dumpFile,
    } satisfies WorkerData,
  });
  const client = new WorkerClient(worker, onLost);
  try {
    await client.ready;
  } catch (cause) {
    await unlock();
    throw new StartupError(`database.data_dir: cannot open the embedded database: ${toError(cause).message}`, {
      cause,
    });
  }
  const turns = new Turns();
  return {
    kind: 'pglite',
    query: (text, parameters) => turns.take(() => client.query(text, parameters)),
    transaction: (work) => turns.take(() => transaction(client, work)),
    async close() {
      await turns.take(() => client.close());
      await unlock();
    },
  };
}

async function transaction<T>(client: WorkerClient, work: (tx: Sql) => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work({ query: (text, parameters) => client.query(text, parameters) });
    await client.query('commit');
    return result;
  } catch (cause) {
    await client.query('rollback');
    throw cause;
  }
}

/** PGlite has one connection: statements and whole transactions take turns, first come, first served. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined); // the failure belongs to whoever took the turn, not to the next in line
    return mine;
  }
}

interface Waiting {
  resolve: (reply: WorkerReply) => void;
  reject: (cause: Error) => void;
}

class WorkerClient {
  readonly ready: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: Error | undefined;
  #closing = false;

  constructor(
    private readonly worker: Worker,
    onLost: (cause: Error) => void,
  ) {
    this.ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    worker.on('error', (cause) => this.#fail(new DatabaseUnavailable(cause)));
    worker.on('exit', () => {
      const cause = new DatabaseUnavailable(new Error('the embedded database has stopped'));
      if (!this.#closing) onLost(cause);
      this.#fail(cause);
    });
  }

  async query<Row>(text: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
    const reply = await this.#send({ text, parameters });
    return { rows: (reply.rows ?? []) as Row[], rowCount: reply.rowCount ?? 0 };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#send({});
    await this.worker.terminate();
  }

  #send(request: Omit<WorkerRequest, 'id'>): Promise<WorkerReply> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...request } satisfies WorkerRequest);
    });
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error === undefined) waiting?.resolve(reply);
    else waiting?.reject(asDatabaseFailure(Object.assign(new Error(reply.error.message), reply.error)));
  }

  #fail(cause: Error): void {
    this.#ended ??= cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }
}

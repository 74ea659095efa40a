import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

import { Mutex } from '../../async/mutex.js';
import { StartupError, toError } from '../../errors.js';
import type { Database, QueryResult, Sql } from '../database.js';
import { lockDirectory } from './directory-lock.js';
import { asDatabaseFailure, asUnknownOutcome, DatabaseUnavailable, isAnswered, mayChangeData } from './outage.js';

/** The data that the worker thread is started with. */
export interface WorkerData {
  dataDir: string | undefined;
  dumpFile: string | undefined;
}

/** A message to the worker thread. */
export interface WorkerRequest {
  id: number;
  /** SQL text; absent to close the database. */
  text?: string;
  parameters?: readonly unknown[];
}

/** The answer of the worker thread to the request with the same id. Id 0: the database is open. */
export interface WorkerReply {
  id: number;
  rows?: unknown[];
  rowCount?: number;
  error?: { name: string; message: string; code?: string };
}

/**
 * Opens the embedded database: PGlite (PostgreSQL as a library) in a worker thread. It locks its directory; without a
 * directory the data is in memory. PGlite runs without fsync: a crash of the process loses nothing, a crash of the
 * machine can lose the last commits. `onLost` is called if the worker or the lock ends unexpectedly.
 * `dumpFile` is a tar file made by PGlite's `dumpDataDir`; a new database starts with its contents.
 * @throws StartupError when the directory cannot be written or another process uses it.
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
  const mutex = new Mutex(); // PGlite has one connection, for single statements and whole transactions
  return {
    kind: 'pglite',
    place: await placeOf(dataDir),
    query: (text, parameters) => mutex.runExclusive(() => client.queryAlone(text, parameters)),
    transaction: (work) => mutex.runExclusive(() => transaction(client, work)),
    async close() {
      await mutex.runExclusive(() => client.close());
      await unlock();
    },
  };
}

/** A file that is never written again: a copy of the directory has another. */
async function placeOf(dataDir: string | undefined): Promise<string> {
  if (dataDir === undefined) return randomUUID();
  const { ino, birthtimeMs } = await stat(path.join(dataDir, 'pglite', 'PG_VERSION'));
  return `${ino}/${Math.round(birthtimeMs)}`;
}

async function transaction<T>(client: WorkerClient, work: (tx: Sql) => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work({ query: (text, parameters) => client.query(text, parameters) });
    await client.queryAlone('commit');
    return result;
  } catch (cause) {
    await client.query('rollback').catch(() => undefined); // the database has stopped; the cause says so, too
    throw cause;
  }
}

/** Names of errors after which the WebAssembly of the database executes nothing any more. */
const CRASHES = new Set(['RuntimeError', 'ExitStatus']);

interface PendingReply {
  resolve: (reply: WorkerReply) => void;
  reject: (cause: Error) => void;
}

class WorkerClient {
  readonly ready: Promise<unknown>;
  readonly #pending = new Map<number, PendingReply>();
  #nextId = 1;
  #ended: Error | undefined;
  #closing = false;

  constructor(
    private readonly worker: Worker,
    onLost: (cause: Error) => void,
  ) {
    this.ready = new Promise((resolve, reject) => this.#pending.set(0, { resolve, reject }));
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

  /** A statement that is committed before its answer. */
  async queryAlone<Row>(text: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>> {
    if (this.#ended) throw this.#ended;
    return this.query<Row>(text, parameters).catch((cause: unknown) => {
      throw mayChangeData(text) && !isAnswered(cause) ? asUnknownOutcome(cause) : cause;
    });
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
      this.#pending.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...request } satisfies WorkerRequest);
    });
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.error === undefined) pending?.resolve(reply);
    else pending?.reject(asDatabaseFailure(Object.assign(new Error(reply.error.message), reply.error)));
    if (CRASHES.has(reply.error?.name ?? '')) void this.worker.terminate(); // its exit is reported as a loss
  }

  #fail(cause: Error): void {
    this.#ended ??= cause;
    for (const { reject } of this.#pending.values()) reject(cause);
    this.#pending.clear();
  }
}

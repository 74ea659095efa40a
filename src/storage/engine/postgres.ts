import pg from 'pg';

import { StartupError, toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Database, QueryOptions, QueryResult, Sql } from '../database.js';
import {
  asDatabaseFailure,
  asUnknownOutcome,
  DatabaseUnavailable,
  isAnswered,
  mayChangeData,
  needsNewConnection,
} from './outage.js';
import { createPrimaryPool, type PrimaryPool } from './primary-pool.js';

/** The oldest supported version, 15: older ones are not tested. */
const OLDEST_SERVER = 150_000;
const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_SLACK_MS = 2_000;
const LOCK_TIMEOUT_MS = 3_000;
const MOST_SILENCE_MS = 10_000;
/** Probes without an answer after which the server closes a connection. */
const KEEPALIVE_PROBES = 3;

/** Settings of the connection to PostgreSQL. */
export interface PostgresOptions {
  /** With several hosts, such as `postgresql://a,b/name`: the one that is no standby is used. */
  url: string;
  maxConnections: number;
  statementTimeoutMs: number;
  /**
   * How long the server keeps a transaction, and its locks, for a client of which it hears nothing. An evaluator that
   * is cut off loses its partitions after the lease, and must not hold their rows longer. Default: 10 s.
   */
  mostSilenceMs?: number;
}

/**
 * Opens a pool of connections and checks the server.
 * @throws StartupError when the server cannot be reached or is older than PostgreSQL 15.
 */
export async function openPostgres(options: PostgresOptions, log: Logger): Promise<Database> {
  const { mostSilenceMs = MOST_SILENCE_MS } = options;
  const { url, options: ofUrl } = withoutServerOptions(options.url);
  const settings: pg.PoolConfig = {
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // The server cannot enforce its limit while the server or the network hangs.
    query_timeout: options.statementTimeoutMs + ANSWER_SLACK_MS,
    keepAlive: true,
    options: `${serverOptions(options.statementTimeoutMs, mostSilenceMs)} ${ofUrl}`,
    types: { getTypeParser },
  };
  const pool = createPrimaryPool(url, settings, log);
  await checkVersion(pool).catch(async (cause: unknown) => {
    await pool.end();
    throw cause;
  });
  return {
    kind: 'postgres',
    query: (text, parameters, options) => queryAlone(pool, { text, parameters, options }),
    transaction: (work) => transaction(pool, work, log),
    close: () => pool.end(),
  };
}

/**
 * Settings of the server's side of the connection. A client that is cut off sends no sign of it: the server ends a
 * transaction that waits for the next statement, and a connection that takes no answer and acknowledges no probe.
 * All are `options`, where a later one of the same name wins, so those of `database.url` do.
 */
function serverOptions(statementTimeoutMs: number, mostSilenceMs: number): string {
  const probeEverySeconds = Math.max(1, Math.floor(mostSilenceMs / (KEEPALIVE_PROBES + 1) / 1_000));
  return [
    '-c application_name=tocsin',
    `-c statement_timeout=${statementTimeoutMs}`,
    `-c lock_timeout=${LOCK_TIMEOUT_MS}`,
    `-c idle_in_transaction_session_timeout=${mostSilenceMs}`,
    `-c tcp_user_timeout=${mostSilenceMs}`,
    `-c tcp_keepalives_idle=${probeEverySeconds}`,
    `-c tcp_keepalives_interval=${probeEverySeconds}`,
    `-c tcp_keepalives_count=${KEEPALIVE_PROBES}`,
  ].join(' ');
}

/** Takes the parameter `options` out of a URL, since it would replace all of `serverOptions`. */
function withoutServerOptions(url: string): { url: string; options: string } {
  const [, beforeQuery = '', query = ''] = /^([^?]*)\?([^#]*)/.exec(url) ?? [];
  const parameters = new URLSearchParams(query);
  const options = parameters.getAll('options').at(-1);
  if (options === undefined) return { url, options: '' };
  parameters.delete('options');
  return { url: `${beforeQuery}?${parameters.toString()}`, options };
}

async function checkVersion(pool: PrimaryPool): Promise<void> {
  const { rows } = await queryAlone<{ version: string }>(pool, {
    text: "select current_setting('server_version_num') as version",
  }).catch((cause: unknown) => {
    throw new StartupError(`database.url: cannot connect to PostgreSQL: ${toError(cause).message}`, { cause });
  });
  const version = Number(rows[0]?.version);
  if (version < OLDEST_SERVER) {
    throw new StartupError(
      `database.url: PostgreSQL ${Math.floor(version / 10_000)} is too old; Tocsin needs 15 or later`,
    );
  }
}

const UNPREPARED: QueryOptions = { prepare: false };

/**
 * Runs work on a connection of the pool. A connection whose server did not answer, or has ended the session, is closed
 * afterwards: the statement that it waits for may still be running.
 */
async function withConnection<T>(pool: PrimaryPool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw asDatabaseFailure(cause);
  });
  let broken: Error | undefined;
  const onError = (err: Error): void => {
    broken = err;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (cause) {
    if (needsNewConnection(cause)) broken = toError(cause);
    throw cause;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

interface Statement {
  text: string;
  parameters?: readonly unknown[] | undefined;
  options?: QueryOptions | undefined;
}

/** Executes a statement outside of a transaction: the server commits it before it answers. */
function queryAlone<Row>(pool: PrimaryPool, { text, parameters, options }: Statement): Promise<QueryResult<Row>> {
  return withConnection(pool, (client) =>
    run<Row>(client, text, parameters, options).catch((cause: unknown) => {
      throw mayChangeData(text) && !isAnswered(cause) ? asUnknownOutcome(cause) : cause;
    }),
  );
}

function transaction<T>(pool: PrimaryPool, work: (tx: Sql) => Promise<T>, log: Logger): Promise<T> {
  return withConnection(pool, async (client) => {
    try {
      await run(client, 'begin', [], UNPREPARED);
      const result = await work({ query: (text, parameters, options) => run(client, text, parameters, options) });
      await commit(client);
      return result;
    } catch (cause) {
      // A rollback would wait for the unanswered statement. Closing the connection also rolls back.
      if (!(cause instanceof DatabaseUnavailable) || isAnswered(cause)) await rollBack(client, log);
      throw cause;
    }
  });
}

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((cause: unknown) => {
    throw isAnswered(cause) ? asDatabaseFailure(cause) : asUnknownOutcome(cause);
  });
  // The server does so, without an error, after an error that the work has hidden.
  if (command === 'ROLLBACK')
    throw new Error('PostgreSQL rolled the transaction back at its commit: an error of a statement was ignored');
}

async function rollBack(client: pg.PoolClient, log: Logger): Promise<void> {
  await client.query('rollback').catch((cause: unknown) => {
    const err = toError(cause);
    log.warn('rollback failed; closing the connection', { err });
    client.emit('error', err); // marks the connection as broken
  });
}

/** Names of prepared statements, by text. Each connection prepares a statement once. */
const statementNames = new Map<string, string>();
/** Most prepared statements. Texts with variable conditions have many forms; beyond this number they are unprepared. */
const MAX_PREPARED = 500;

function nameOf(text: string): string | undefined {
  const known = statementNames.get(text);
  if (known !== undefined || statementNames.size >= MAX_PREPARED) return known;
  const name = `s${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

async function run<Row>(
  client: pg.PoolClient,
  text: string,
  parameters: readonly unknown[] = [],
  { prepare = true }: QueryOptions = {},
): Promise<QueryResult<Row>> {
  const name = prepare ? nameOf(text) : undefined;
  const statement = { ...(name === undefined ? {} : { name }), text, values: [...parameters] };
  const { rows, rowCount } = await client.query<pg.QueryResultRow>(statement).catch((cause: unknown) => {
    throw asDatabaseFailure(cause);
  });
  return { rows: rows as Row[], rowCount: rowCount ?? 0 };
}

const INT8 = 20;

function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === INT8 ? Number : (pg.types.getTypeParser as (oid: number, format?: string) => unknown)(oid, format);
}

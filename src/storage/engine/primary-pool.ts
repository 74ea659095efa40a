import pg from 'pg';

import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { urlsOfHosts } from '../../server-urls.js';

/** Connections to the one host of a PostgreSQL URL that accepts changes. */
export interface PrimaryPool {
  /** A connection to the primary. With several hosts, looks for the primary if the last one has gone. */
  connect(): Promise<pg.PoolClient>;
  end(): Promise<void>;
}

/**
 * The timeline of the server's WAL as 8 hexadecimal digits, so that texts compare as numbers; empty for a standby. Each
 * promotion begins a timeline with a higher number.
 */
const TIMELINE = `select case when pg_is_in_recovery() then ''
  else substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end as timeline`;

/** A host of which the server accepts no changes, or only changes that will be lost. */
class NoPrimaryError extends Error {
  override readonly name = 'NoPrimaryError';
}

/**
 * One pool for each host; those of standbys stay empty. With several hosts each new connection checks whether its
 * server is a standby, or was the primary before another was promoted: one that hangs during a fail-over goes on as a
 * primary until it is demoted. After such a server, or a connection that cannot be made, all hosts are checked at once,
 * and the first that is neither is the new primary; without one, the last primary remains.
 */
export function createPrimaryPool(url: string, settings: pg.PoolConfig, log: Logger): PrimaryPool {
  const urls = urlsOfHosts(url);
  const pools = urls.map((connectionString) => poolOf({ ...settings, connectionString }, log));
  const [first] = pools as [pg.Pool];
  if (pools.length === 1) return only(first);
  let primary: pg.Pool | undefined;
  let search: Promise<boolean> | undefined;
  const timelineOf = refusingFormerPrimaries();
  const checked = new WeakSet<pg.PoolClient>();

  function use(pool: pg.Pool): void {
    if (pool === primary) return;
    const isChange = primary !== undefined;
    primary = pool;
    const { host } = new URL(urls[pools.indexOf(pool)] ?? '');
    if (isChange) log.warn('another host of database.url is the primary now', { host });
  }

  /** False if no host accepts changes. A host that answers later is used if it was promoted later. */
  async function find(): Promise<boolean> {
    let found: string | undefined;
    const checks = pools.map(async (pool) => {
      const timeline = await queryOnOwnConnection(pool, timelineOf);
      if (found === undefined || timeline > found) use(pool);
      found = timeline;
    });
    await Promise.any(checks).catch(ignore);
    return found !== undefined;
  }

  function searchOnce(): Promise<boolean> {
    return (search ??= find().finally(() => (search = undefined)));
  }

  /** Not by the pool's own hook for new connections, which has no listener for one that breaks meanwhile. */
  async function connectTo(pool: pg.Pool): Promise<pg.PoolClient> {
    const client = await pool.connect();
    if (checked.has(client)) return client;
    client.on('error', ignore); // the query rejects
    try {
      await timelineOf(client);
      checked.add(client);
      return client;
    } catch (cause) {
      client.release(toError(cause));
      throw cause;
    } finally {
      client.off('error', ignore);
    }
  }

  return {
    async connect() {
      if (primary === undefined && !(await searchOnce())) return connectTo(first); // rejects with the reason
      try {
        return await connectTo(primary ?? first);
      } catch (cause) {
        if (!(await searchOnce())) throw cause;
        return connectTo(primary ?? first);
      }
    },
    end: async () => void (await Promise.all(pools.map((pool) => pool.end()))),
  };
}

function poolOf(settings: pg.PoolConfig, log: Logger): pg.Pool {
  const pool = new pg.Pool(settings);
  // The pool replaces an idle connection that breaks. Without a listener, the error would end the process.
  pool.on('error', (err) => log.warn('idle database connection lost; it will be replaced', { err }));
  return pool;
}

/** A function that reads the timeline of a server. It rejects if the server refuses changes, or would lose them. */
function refusingFormerPrimaries(): (client: pg.ClientBase) => Promise<string> {
  let latest = '';
  return async (client) => {
    const { rows } = await client.query<{ timeline: string }>(TIMELINE);
    const timeline = rows[0]?.timeline ?? '';
    if (timeline === '') throw new NoPrimaryError('the server is a standby');
    if (timeline < latest) throw new NoPrimaryError('the server was the primary before another was promoted');
    latest = timeline;
    return timeline;
  };
}

function only(pool: pg.Pool): PrimaryPool {
  return { connect: () => pool.connect(), end: () => pool.end() };
}

function ignore(): void {
  // For errors that a rejection tells, too.
}

/** Asks a host by a connection that does not wait for those of its pool. */
async function queryOnOwnConnection<T>(pool: pg.Pool, query: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...pool.options });
  client.on('error', ignore); // the query rejects
  try {
    await client.connect();
    return await query(client);
  } finally {
    void client.end().catch(() => undefined);
  }
}

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

const IS_STANDBY = 'select pg_is_in_recovery() as "isStandby"';

/** A host of which the server accepts no changes. */
class StandbyError extends Error {
  override readonly name = 'StandbyError';
}

/**
 * One pool for each host; those of standbys stay empty. With several hosts each new connection checks whether its
 * server is a standby. After one that is, or that cannot be made, all hosts are checked at once, and the first that
 * accepts changes is the new primary; without one, the last primary remains.
 */
export function createPrimaryPool(url: string, settings: pg.PoolConfig, log: Logger): PrimaryPool {
  const urls = urlsOfHosts(url);
  const pools = urls.map((connectionString) => {
    const pool = new pg.Pool({ ...settings, connectionString });
    // The pool replaces an idle connection that breaks. Without a listener, the error would end the process.
    pool.on('error', (err) => log.warn('idle database connection lost; it will be replaced', { err }));
    return pool;
  });
  if (pools.length === 1) return only(pools[0] as pg.Pool);
  let primary = pools[0] as pg.Pool;
  let search: Promise<boolean> | undefined;
  const checked = new WeakSet<pg.PoolClient>();

  /** False if no host accepts changes. */
  async function find(): Promise<boolean> {
    const found = await Promise.any(pools.map((pool) => refuseStandbyAt(pool))).catch(() => undefined);
    if (found === undefined || found === primary) return found !== undefined;
    primary = found;
    const { host } = new URL(urls[pools.indexOf(found)] ?? '');
    log.warn('another host of database.url is the primary now', { host });
    return true;
  }

  /** Not by the pool's own hook for new connections, which has no listener for one that breaks meanwhile. */
  async function connectTo(pool: pg.Pool): Promise<pg.PoolClient> {
    const client = await pool.connect();
    if (checked.has(client)) return client;
    client.on('error', ignore); // the query rejects
    try {
      await refuseStandby(client);
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
      try {
        return await connectTo(primary);
      } catch (cause) {
        if (!(await (search ??= find().finally(() => (search = undefined))))) throw cause;
        return connectTo(primary);
      }
    },
    end: async () => void (await Promise.all(pools.map((pool) => pool.end()))),
  };
}

function only(pool: pg.Pool): PrimaryPool {
  return { connect: () => pool.connect(), end: () => pool.end() };
}

function ignore(): void {
  // For errors that a rejection tells, too.
}

async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ isStandby: boolean }>(IS_STANDBY);
  if (rows[0]?.isStandby !== false) throw new StandbyError('the server is a standby');
}

/** Asks a host by a connection that does not wait for those of its pool. */
async function refuseStandbyAt(pool: pg.Pool): Promise<pg.Pool> {
  const client = new pg.Client({ ...pool.options });
  client.on('error', ignore); // the query rejects
  try {
    await client.connect();
    await refuseStandby(client);
    return pool;
  } finally {
    void client.end().catch(() => undefined);
  }
}

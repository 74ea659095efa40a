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
 * One pool for each host; those of standbys stay empty. With several hosts each new connection is asked whether its
 * server is a standby. After one that is, or that cannot be made, all hosts are asked at once, and the first that
 * accepts changes is the new primary; without one, the last primary remains.
 */
export function createPrimaryPool(url: string, settings: pg.PoolConfig, log: Logger): PrimaryPool {
  const urls = urlsOfHosts(url);
  const pools = urls.map((connectionString) => {
    const pool = new pg.Pool({ ...settings, connectionString, ...(urls.length > 1 ? { verify: refuseStandby } : {}) });
    // The pool replaces an idle connection that breaks. Without a listener, the error would end the process.
    pool.on('error', (err) => log.warn('idle database connection lost; it will be replaced', { err }));
    return pool;
  });
  let primary = pools[0] as pg.Pool;
  let search: Promise<void> | undefined;

  async function find(): Promise<void> {
    const found = await Promise.any(pools.map((pool) => refuseStandbyAt(pool))).catch(() => primary);
    if (found === primary) return;
    primary = found;
    const { host } = new URL(urls[pools.indexOf(found)] ?? '');
    log.warn('another host of database.url is the primary now', { host });
  }

  return {
    async connect() {
      const tried = primary;
      try {
        return await tried.connect();
      } catch (cause) {
        if (pools.length === 1) throw cause;
        await (search ??= find().finally(() => (search = undefined)));
        if (primary === tried) throw cause;
        return primary.connect();
      }
    },
    end: async () => void (await Promise.all(pools.map((pool) => pool.end()))),
  };
}

function refuseStandby(client: pg.PoolClient, done: (err?: Error) => void): void {
  client.query<{ isStandby: boolean }>(IS_STANDBY).then(
    ({ rows }) => done(rows[0]?.isStandby === false ? undefined : new StandbyError('the server is a standby')),
    (cause: unknown) => done(toError(cause)),
  );
}

/** Asks a host by a connection that does not wait for those of its pool. */
async function refuseStandbyAt(pool: pg.Pool): Promise<pg.Pool> {
  const client = new pg.Client({ ...pool.options });
  client.on('error', () => undefined); // the query below rejects
  try {
    await client.connect();
    const { rows } = await client.query<{ isStandby: boolean }>(IS_STANDBY);
    if (rows[0]?.isStandby !== false) throw new StandbyError('the server is a standby');
    return pool;
  } finally {
    void client.end().catch(() => undefined);
  }
}

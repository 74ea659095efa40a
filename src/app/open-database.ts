import { existsSync } from 'node:fs';
import path from 'node:path';

import type { Config } from '../config/schema.js';
import { StartupError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { ReleaseStack } from '../release-stack.js';
import type { Database } from '../storage/database.js';
import {
  appliedMigrations,
  knownMigrations,
  migrate,
  migrateServer,
  missingMigrations,
} from '../storage/migration/migrate.js';
import { openPglite } from '../storage/engine/pglite.js';
import { openPostgres } from '../storage/engine/postgres.js';
import { urlsOfHosts } from '../server-urls.js';

/**
 * Opens the configured database, PostgreSQL or the embedded one, and updates its schema.
 * @throws StartupError if the schema is not current and `database.migrate_on_start` is false.
 */
export async function openDatabase(
  config: Config,
  deps: { log: Logger; resources: ReleaseStack; onLockLost: (cause: Error) => void },
): Promise<Database> {
  const { url, data_dir, max_connections, statement_timeout } = config.database;
  const db = url
    ? await openPostgres(
        {
          url: url.reveal(),
          maxConnections: max_connections,
          statementTimeoutMs: statement_timeout,
          mostSilenceMs: mostSilenceOf(config),
        },
        deps.log,
      )
    : await openPglite(path.resolve(data_dir), deps.onLockLost);
  deps.resources.push('database', () => db.close());
  await updateSchema(config, db, deps.log);
  return db;
}

async function updateSchema({ database }: Config, db: Database, log: Logger): Promise<void> {
  if (!database.migrate_on_start) return refuseOldSchema(db);
  const applied = database.url ? await migrateServer(database.url.reveal(), log) : await migrate(db);
  if (applied.length > 0) log.info('database schema brought up to date', { applied });
}

async function refuseOldSchema(db: Database): Promise<void> {
  const missing = await missingMigrations(db);
  if (missing.length === 0) return;
  throw new StartupError(
    `the database schema is not up to date (missing: ${missing.join(', ')}): run 'tocsin migrate' first`,
  );
}

/** Longer than any export or import. */
const TRANSFER_TIMEOUT_MS = 24 * 3_600_000;
/** One for the transaction of the transfer, one for the entries of the command in the audit trail. */
const TRANSFER_CONNECTIONS = 2;

/**
 * Opens the configured database for one long transaction. A source must exist and is not changed; the schema of a
 * target is updated as at a start.
 * @throws StartupError if there is no source, or its schema is not that of this release.
 */
export async function openForTransfer(
  config: Config,
  role: 'source' | 'target',
  deps: { log: Logger; resources: ReleaseStack },
): Promise<Database> {
  const { url } = config.database;
  const dataDir = path.resolve(config.database.data_dir);
  if (!url && role === 'source' && !existsSync(path.join(dataDir, 'pglite')))
    throw new StartupError(`database.data_dir: there is no database in ${dataDir}`);
  const db = url
    ? await openPostgres(
        { url: url.reveal(), maxConnections: TRANSFER_CONNECTIONS, statementTimeoutMs: TRANSFER_TIMEOUT_MS },
        deps.log,
      )
    : await openPglite(dataDir);
  deps.resources.push('database', () => db.close());
  if (role === 'target') await updateSchema(config, db, deps.log);
  else await refuseOtherSchema(db);
  return db;
}

async function refuseOtherSchema(db: Database): Promise<void> {
  await refuseOldSchema(db);
  const known = new Set(knownMigrations().map(({ name }) => name));
  const newer = (await appliedMigrations(db)).filter(({ name }) => !known.has(name));
  if (newer.length === 0) return;
  const names = newer.map(({ name }) => name).join(', ');
  throw new StartupError(`the database schema is of a newer release (it has: ${names}): export it with that release`);
}

/** A process that has a lot to do can be silent for some seconds in a transaction. */
const LEAST_SILENCE_MS = 3_000;

function mostSilenceOf(config: Config): number {
  return Math.max(config.evaluator.lease, LEAST_SILENCE_MS);
}

/** Heartbeats need two: the current one and one that timed out. */
const COORDINATION_CONNECTIONS = 2;

/**
 * Opens separate connections for heartbeats and ownership, so that many requests cannot cost an evaluator its lease.
 * The embedded database has one connection for all.
 */
export async function openCoordinationDatabase(
  config: Config,
  db: Database,
  deps: { log: Logger; resources: ReleaseStack },
): Promise<Database> {
  const { url, statement_timeout } = config.database;
  if (!url) return db;
  const options = {
    url: url.reveal(),
    maxConnections: COORDINATION_CONNECTIONS,
    statementTimeoutMs: statement_timeout,
    mostSilenceMs: mostSilenceOf(config),
  };
  const coordination = await openPostgres(options, deps.log);
  deps.resources.push('coordination database', () => coordination.close());
  return coordination;
}

/** The place of the data for the terminal: a directory, or a server without its password. */
export function databaseLocation(config: Config): string {
  const { url, data_dir } = config.database;
  if (!url) return `${path.resolve(data_dir)} (embedded PostgreSQL)`;
  const urls = urlsOfHosts(url.reveal()).map((text) => new URL(text));
  const hosts = urls.map(({ hostname, port }) => `${hostname}:${port || '5432'}`).join(', ');
  return `PostgreSQL at ${hosts}${urls[0]?.pathname}`;
}

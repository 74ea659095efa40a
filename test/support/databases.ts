import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPglite } from '../../src/storage/engine/pglite.js';
import { openPostgres, type PostgresOptions } from '../../src/storage/engine/postgres.js';
import { announcedEmbeddedDump, hasServer } from './running-servers.js';
import { freshPostgresUrl } from './servers.js';

/** A migrated, empty database in memory. */
export async function embeddedDatabase(): Promise<Database> {
  return openPglite(undefined, undefined, announcedEmbeddedDump());
}

/** A migrated, empty database on the PostgreSQL of this run. */
export async function serverDatabase({
  maxConnections = 10,
  statementTimeoutMs = 10_000,
}: Partial<Omit<PostgresOptions, 'url'>> = {}): Promise<Database> {
  return openPostgres({ url: await freshPostgresUrl(), maxConnections, statementTimeoutMs }, silentLogger);
}

/**
 * A migrated, empty database for tests whose subject is not the database: on the PostgreSQL of this run, which costs a
 * fraction of the time and memory of an embedded one; without PostgreSQL, in memory. Each route that writes has tests
 * on the embedded one, too: it has one connection, so that a query beside a transaction would wait for ever.
 */
export function anyDatabase(): Promise<Database> {
  return hasServer('postgres') ? serverDatabase() : embeddedDatabase();
}

const TABLES = [
  ['alarms', 'alarm_members', 'alarm_history', 'notifications', 'attempts', 'delivery_pauses', 'members', 'samples'],
  ['meter_resources', 'quotas', 'alarm_counts', 'evaluation_counters', 'events', 'api_keys', 'alarm_trusts'],
  ['receiver_hosts', 'delivery_holds', 'notification_bodies', 'notification_hours', 'audit_entries', 'sessions'],
  ['processes', 'stream_entries', 'silences', 'receivers', 'signing_secrets', 'idempotency_keys'],
].flat();
const DELETE_ALL = `with ${TABLES.map((table) => `${table}_rows as (delete from ${table})`).join(', ')}
  update partitions set epoch = 0, owner = null, loaded_epoch = null, evaluation_started_at = null,
         last_evaluated_at = null, locked_alarms = null, locked_checkpoint = null
   where epoch > 0 or owner is not null or evaluation_started_at is not null or last_evaluated_at is not null`;

/**
 * Empties every table. Opening an embedded database takes seconds, so tests of one file share one. Not by TRUNCATE,
 * which makes new files for each table and index: with few rows that takes twenty times as long.
 */
export async function empty(db: Database): Promise<void> {
  await db.query(DELETE_ALL);
}

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPglite } from '../../src/storage/engine/pglite.js';
import { openPostgres, type PostgresOptions } from '../../src/storage/engine/postgres.js';
import { announcedEmbeddedDump } from './running-servers.js';
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

/** Empties every table. Opening an embedded database takes seconds, so tests of one file share one. */
export async function empty(db: Database): Promise<void> {
  await db.query(
    'truncate alarms, alarm_members, alarm_history, notifications, attempts, ' +
      'delivery_pauses, members, samples, meter_resources, ' +
      'quotas, alarm_counts, evaluation_counters, events, api_keys, alarm_trusts, receiver_hosts, delivery_holds',
  );
  await db.query(
    'update partitions set epoch = 0, owner = null, evaluation_started_at = null, last_evaluated_at = null',
  );
}

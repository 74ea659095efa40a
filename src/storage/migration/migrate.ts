import { readdirSync, readFileSync } from 'node:fs';

import type { Logger } from '../../logger.js';
import type { Database, Sql } from '../database.js';
import { openPostgres } from '../engine/postgres.js';
import { rekeyAlarms, scopeThresholdRules, uniteFamilies } from './rekey-alarms.js';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
/** Advisory lock of migrations. Any constant that no other lock has; it must be the same in all processes. */
const LOCK = 8042_0001;
/** From here on the alarms of all kinds have keys. */
const KEYED = '0003-real-backends.sql';
/** From here on alarms whose questions fit into one request take their turns together. */
const UNITED = '0004-families.sql';
/** Since this migration rules of `threshold` alarms hold their scope beside the conditions of their authors. */
const SCOPED = '0012-scope-of-threshold-rules.sql';
/** Migrations that change rows outside the transaction that changes the schema. */
const OUTSIDE = [UNITED, SCOPED];
const RECORD = 'insert into migrations (name, applied_at) values ($1, clock_timestamp())';
const MIGRATION_TIMEOUT_MS = 24 * 3_600_000;

/**
 * Brings the schema up to date and returns the names of what it ran. Safe to call from any number of processes at once:
 * one does the work, the others wait for it; moving alarms (0004, 0012) is shared between them. Also repairs revisions
 * after a dump was restored into a younger server, whose transaction numbers would otherwise lie below those in the
 * rows, and alarms that a release before migration 0003 has written: with that migration, and later ones that it wrote
 * while it still ran beside a newer one. `known`: what to bring it up to, in order.
 */
export async function migrate(db: Database, known: readonly string[] = migrationNames()): Promise<string[]> {
  const { applied, outside } = await db.transaction((tx) => migrateSchema(tx, known));
  // Not in that transaction: evaluators would wait for the alarms that it holds, and it for theirs.
  if (outside.includes(UNITED)) await uniteFamilies(db);
  if (known.includes(SCOPED)) await scopeThresholdRules(db);
  for (const pending of outside) {
    const { rows } = await db.query<{ name: string }>(`${RECORD} on conflict do nothing returning name`, [pending]);
    applied.push(...rows.map(({ name }) => name));
  }
  return applied;
}

async function migrateSchema(tx: Sql, known: readonly string[]): Promise<{ applied: string[]; outside: string[] }> {
  await tx.query('set local lock_timeout = 0');
  await tx.query('set local statement_timeout = 0');
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
  await tx.query('create table if not exists migrations (name text primary key, applied_at timestamptz not null)');
  const { rows } = await tx.query<{ name: string }>('select name from migrations');
  const before = new Set(rows.map(({ name }) => name));
  const pending = known.filter((name) => !before.has(name));
  const applied = pending.filter((name) => !OUTSIDE.includes(name));
  for (const name of applied) {
    for (const statement of statementsOf(readFileSync(new URL(name, MIGRATIONS), 'utf8'))) await tx.query(statement);
    await tx.query(RECORD, [name]);
  }
  await tx.query('update alarms set revision = pg_current_xact_id() where revision > pg_current_xact_id()');
  if (known.includes(KEYED)) await rekeyAlarms(tx);
  return { applied, outside: pending.filter((name) => OUTSIDE.includes(name)) };
}

/** Migrates a server over its own connection, since changing a large table exceeds the service's statement time-out. */
export async function migrateServer(url: string, log: Logger): Promise<string[]> {
  const db = await openPostgres({ url, maxConnections: 1, statementTimeoutMs: MIGRATION_TIMEOUT_MS }, log);
  try {
    return await migrate(db);
  } finally {
    await db.close();
  }
}

/** Returns the migrations that were not applied yet: all of them for an empty database. */
export async function missingMigrations(db: Database): Promise<string[]> {
  const { rows: tables } = await db.query<{ exists: boolean }>(
    "select to_regclass('migrations') is not null as exists",
  );
  if (!tables[0]?.exists) return migrationNames();
  const { rows } = await db.query<{ name: string }>('select name from migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return migrationNames().filter((name) => !applied.has(name));
}

function migrationNames(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}

/** Splits a migration into statements. Each statement ends with a semicolon at the end of a line. */
function statementsOf(script: string): string[] {
  return script
    .replace(/--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

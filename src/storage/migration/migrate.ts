import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

import { createSystemClock, type Clock } from '../../clock.js';
import { StartupError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { sqlState, type Database, type Sql } from '../database.js';
import { openPostgres } from '../engine/postgres.js';
import { renewStreamEpoch } from '../stream/stream-epoch.js';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
/** Advisory lock of migrations. Any constant that no other lock has; it must be the same in all processes. */
const LOCK = 8042_0001;
const RECORDS = `
  create table if not exists migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null)`;
const MIGRATION_TIMEOUT_MS = 24 * 3_600_000;
/**
 * How long a migration waits for a lock. Later statements that use the table wait behind it, so it is shorter than
 * these wait for locks.
 */
const LOCK_TIMEOUT_MS = 2_000;
/** The time in which later statements use the table, before the migration is tried again. */
const LOCK_PAUSE_MS = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** A numbered SQL file, which never changes once it is released. */
export interface Migration {
  name: string;
  script: string;
}

/** A migration that was run in a database. */
export interface AppliedMigration {
  name: string;
  /** Of its statements. */
  checksum: string;
}

/** How migrations wait for locks of other transactions. */
export interface MigrationWaits {
  clock: Pick<Clock, 'sleep'>;
  /** Called when a lock was not available. The migration is tried again. */
  onLocked: () => void;
}

/**
 * Brings the schema up to date and returns the names of the migrations that it ran, each in its own transaction. Safe
 * to call from any number of processes at once: one does the work, the others wait for it. Also repairs revisions after
 * a dump was restored into a younger server, whose transaction numbers would otherwise lie below those in the rows, and
 * starts a new epoch of the stream after any restore.
 * @throws StartupError if a known migration was applied with other content.
 */
export async function migrate(
  db: Database,
  known: readonly Migration[] = knownMigrations(),
  { clock, onLocked }: MigrationWaits = { clock: createSystemClock(), onLocked: () => {} },
): Promise<string[]> {
  const applied: string[] = [];
  for (;;) {
    const name = await db.transaction((tx) => migrateNext(tx, { known, place: db.place, clock, onLocked }));
    if (name === undefined) return applied;
    applied.push(name);
  }
}

interface MigrationStep extends MigrationWaits {
  known: readonly Migration[];
  place: string | undefined;
}

/** Runs the first migration that is missing and returns its name. Without one, makes the repairs. */
async function migrateNext(tx: Sql, { clock, onLocked, ...step }: MigrationStep): Promise<string | undefined> {
  await tx.query('set local lock_timeout = 0');
  await tx.query('set local statement_timeout = 0');
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
  await tx.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await tx.query('savepoint before_step');
  for (;;) {
    try {
      return await runStep(tx, step);
    } catch (thrown) {
      if (sqlState(thrown) !== LOCK_NOT_AVAILABLE) throw thrown;
      // Other processes that migrate wait for the whole pause: only so do writers go on.
      await tx.query('rollback to savepoint before_step');
      onLocked();
      await clock.sleep(LOCK_PAUSE_MS);
    }
  }
}

async function runStep(
  tx: Sql,
  { known, place }: Omit<MigrationStep, keyof MigrationWaits>,
): Promise<string | undefined> {
  await tx.query(RECORDS);
  const [next] = await missingOf(tx, known);
  if (next) await apply(tx, next);
  else {
    await tx.query('update alarms set revision = pg_current_xact_id() where revision > pg_current_xact_id()');
    await renewStreamEpoch(tx, place);
  }
  return next?.name;
}

/** Migrates a server over its own connection, since changing a large table exceeds the service's statement time-out. */
export async function migrateServer(url: string, log: Logger): Promise<string[]> {
  const db = await openPostgres({ url, maxConnections: 1, statementTimeoutMs: MIGRATION_TIMEOUT_MS }, log);
  try {
    return await migrate(db, knownMigrations(), {
      clock: createSystemClock(),
      onLocked: () => log.warn('a migration waits for the lock of a table; will retry'),
    });
  } finally {
    await db.close();
  }
}

/** Returns the migrations that were not applied yet: all of them for an empty database. */
export async function missingMigrations(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ exists: boolean }>("select to_regclass('migrations') is not null as exists");
  const missing = rows[0]?.exists ? await missingOf(db, knownMigrations()) : knownMigrations();
  return missing.map(({ name }) => name);
}

/** Names and checksums of the migrations in the database, in their order. */
export async function appliedMigrations(sql: Sql): Promise<AppliedMigration[]> {
  return (await sql.query<AppliedMigration>('select name, checksum from migrations order by name')).rows;
}

/** The migrations of this release, in their order. */
export function knownMigrations(): Migration[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, script: readFileSync(new URL(name, MIGRATIONS), 'utf8') }));
}

/** Migrations in the database that this release does not know belong to a newer one, which may run beside it. */
async function missingOf(sql: Sql, known: readonly Migration[]): Promise<Migration[]> {
  const { rows: columns } = await sql.query(
    "select from pg_attribute where attrelid = 'migrations'::regclass and attname = 'checksum' and not attisdropped",
  );
  if (columns.length === 0) throw unreleased();
  const applied = new Map((await appliedMigrations(sql)).map(({ name, checksum }) => [name, checksum]));
  const changed = known.find(({ name, script }) => applied.has(name) && applied.get(name) !== checksumOf(script));
  if (changed) {
    throw new StartupError(
      `migration ${changed.name} was applied to this database with other content: ` +
        'the program or the database is not of a release of Tocsin',
    );
  }
  return known.filter(({ name }) => !applied.has(name));
}

function unreleased(): StartupError {
  return new StartupError(
    'the database was created before the first release of Tocsin and cannot be upgraded: ' +
      'use an empty one (database.url or database.data_dir)',
  );
}

async function apply(tx: Sql, { name, script }: Migration): Promise<void> {
  for (const statement of statementsOf(script)) await tx.query(statement);
  const record = 'insert into migrations (name, checksum, applied_at) values ($1, $2, clock_timestamp())';
  await tx.query(record, [name, checksumOf(script)]);
}

/** Of the statements, so that the comments of a released migration can be corrected. */
function checksumOf(script: string): string {
  return createHash('sha256').update(statementsOf(script).join(';\n')).digest('hex');
}

/** A statement: text in which a semicolon ends no line, except between `$$`. */
const STATEMENT = /(?:\$\$[^]*?\$\$|[^;$]|\$(?!\$)|;(?!\s*$))+/gm;

/** Splits a migration into statements. Each statement ends with a semicolon at the end of a line. */
function statementsOf(script: string): string[] {
  return (script.replace(/--.*/g, '').match(STATEMENT) ?? [])
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

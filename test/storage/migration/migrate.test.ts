import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { StartupError } from '../../../src/errors.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPglite } from '../../../src/storage/engine/pglite.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { knownMigrations, migrate, missingMigrations } from '../../../src/storage/migration/migrate.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { holdLock } from '../../support/held-lock.js';
import { describeWithPostgres, unmigratedPostgresUrl } from '../../support/servers.js';
import { schemaOf } from '../../support/schema-dump.js';

/** The schema as reviewed. After a new migration, write the received text into this file. */
const GOLDEN = readFileSync(new URL('../../../../test/fixtures/schema.txt', import.meta.url), 'utf8');
const NAMES = knownMigrations().map(({ name }) => name);

describe('migrations of the embedded database', () => contract(() => openPglite(undefined)));
describeWithPostgres('migrations of PostgreSQL', () => {
  const open = async (): Promise<Database> =>
    openPostgres({ url: await unmigratedPostgresUrl(), maxConnections: 4, statementTimeoutMs: 10_000 }, silentLogger);
  contract(open);

  test('that wait for a lock let writers go on between their tries', async () => {
    const db = await open();
    const clock = new FakeClock();
    let waits = 0;
    const newColumn = { name: '9999-column.sql', script: 'alter table quotas add column extra int;' };
    try {
      await migrate(db);
      const held = await holdLock(db, `insert into quotas (project_id, resource, "limit") values ('a', 'alarms', 1)`);
      const migrating = migrate(db, [...knownMigrations(), newColumn], { clock, onLocked: () => (waits += 1) });
      await eventually(() => expect(clock.sleeping).toBe(1));
      await db.transaction(async (tx) => {
        await tx.query(`set local lock_timeout = '1ms'`);
        await tx.query(`insert into quotas (project_id, resource, "limit") values ('b', 'alarms', 1)`);
      });
      await held.release();
      await clock.advance(2_000);
      expect(await migrating).toEqual([newColumn.name]);
      expect(waits).toBe(1);
      expect((await db.query('select extra from quotas')).rows).toEqual([{ extra: null }, { extra: null }]);
    } finally {
      await db.close();
    }
  });
});

test.each(knownMigrations())('the migration $name has lines of at most 120 columns', ({ script }) => {
  expect(script.split('\n').filter((line) => line.length > 120)).toEqual([]);
});

/** As a new database: a migration makes nothing outside of this schema. */
async function empty(db: Database): Promise<void> {
  await db.query('drop schema public cascade');
  await db.query('create schema public');
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  test('make the schema that was reviewed', async () => {
    await migrate(db);
    expect(await schemaOf(db)).toBe(GOLDEN);
  });

  test('are run once, by however many processes at once', async () => {
    expect(await missingMigrations(db)).toEqual(NAMES);
    const applied = await Promise.all([migrate(db), migrate(db), migrate(db)]);
    expect(applied.flat().sort()).toEqual(NAMES);
    expect(await missingMigrations(db)).toEqual([]);
  });

  test('that are new to a database are run in their order, and are missing before', async () => {
    await migrate(db);
    const names = ['9998-b.sql', '9999-c.sql'];
    const later = names.map((name, n) => ({
      name,
      script: `create table later_${n} (id int);`,
    }));
    expect(await migrate(db, [...knownMigrations(), ...later])).toEqual(names);
    const { rows } = await db.query<{ name: string }>('select name from migrations order by applied_at, name');
    expect(rows.map(({ name }) => name)).toEqual([...NAMES, ...names]);
  });

  test('of a newer release do not keep this one from starting', async () => {
    await migrate(db, [...knownMigrations(), { name: '9999-newer.sql', script: 'create table newer (id int);' }]);
    expect(await missingMigrations(db)).toEqual([]);
    expect(await migrate(db)).toEqual([]);
  });

  test('may define a function, whose body between $$ is no statement of its own', async () => {
    const script = 'create function one() returns int language plpgsql as $$\nbegin\n  return 1;\nend\n$$;\n';
    await migrate(db, [
      ...knownMigrations(),
      { name: '9999-function.sql', script: `${script}create table t (n int);` },
    ]);
    expect((await db.query('select one() as one, (select count(*) from t) as rows')).rows).toEqual([
      { one: 1, rows: 0 },
    ]);
  });

  test('that fail leave nothing behind, and those before stay', async () => {
    const broken = { name: '9999-broken.sql', script: 'create table half (id int);\ncreate table half (id int);' };
    await expect(migrate(db, [...knownMigrations(), broken])).rejects.toThrow(/half/);
    expect(await missingMigrations(db)).toEqual([]);
    expect((await db.query("select to_regclass('half') as half")).rows).toEqual([{ half: null }]);
  });

  test('applied with other content are an error that names the migration', async () => {
    await migrate(db);
    const changed = knownMigrations().map((one) => ({ ...one, script: `${one.script}select 1;\n` }));
    const refusal = migrate(db, changed);
    await expect(refusal).rejects.toBeInstanceOf(StartupError);
    await expect(refusal).rejects.toThrow(`migration ${NAMES[0]} was applied to this database with other content`);
  });

  test('whose comments alone have changed are known', async () => {
    await migrate(db);
    expect(
      await migrate(
        db,
        knownMigrations().map((one) => ({ ...one, script: `-- New.\n${one.script}` })),
      ),
    ).toEqual([]);
  });

  test('of a database from before the first release are refused, and change nothing', async () => {
    await db.query('create table migrations (name text primary key, applied_at timestamptz not null)');
    await db.query("insert into migrations values ('0001-alarms.sql', now())");
    for (const attempt of [() => migrate(db), () => missingMigrations(db)]) {
      const refusal = attempt();
      await expect(refusal).rejects.toBeInstanceOf(StartupError);
      await expect(refusal).rejects.toThrow('created before the first release of Tocsin');
    }
    expect((await db.query('select name from migrations')).rows).toEqual([{ name: '0001-alarms.sql' }]);
    expect(await schemaOf(db)).not.toContain('checksum');
  });
}

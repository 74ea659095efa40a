import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { runProgram } from '../../src/cli/program.js';
import { StartupError } from '../../src/errors.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPglite } from '../../src/storage/engine/pglite.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { MOVED_TABLES, TABLES_LEFT_BEHIND } from '../../src/storage/transfer/moved-tables.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { fillStore, SAMPLES } from '../support/filled-store.js';
import { TEST_SEALER } from '../support/sealer.js';
import { describeWithPostgres, freshPostgresUrl, unmigratedPostgresUrl } from '../support/servers.js';

/** That of `TEST_SEALER`. */
const KEY = Buffer.alloc(32, 7).toString('base64');
const SETTINGS = { TOCSIN_LOG_LEVEL: 'error' };

/** A database, and the settings with which a command finds it. */
interface Store {
  environment: Record<string, string>;
  open(): Promise<Database>;
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function folder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-transfer-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens a database until the end of the work. */
async function using<T>({ open }: Store, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await open();
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

function embedded(): Store {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return { environment: { TOCSIN_DATABASE_DATA_DIR: dir }, open: () => openPglite(dir) };
}

async function server(url = freshPostgresUrl()): Promise<Store> {
  const options = { url: await url, maxConnections: 2, statementTimeoutMs: 60_000 };
  return { environment: { TOCSIN_DATABASE_URL: options.url }, open: () => openPostgres(options, silentLogger) };
}

interface Ran {
  exitCode: number;
  out: string;
  err: string;
}

async function tocsin(argv: string[], store: Store, { key = KEY, stopAt = '' } = {}): Promise<Ran> {
  const stop = new AbortController();
  const ran: Ran = { exitCode: -1, out: '', err: '' };
  ran.exitCode = await runProgram(argv, {
    out: (text) => (ran.out += text),
    err: (text) => {
      ran.err += text;
      if (stopAt !== '' && text.startsWith(stopAt)) stop.abort();
    },
    environment: { ...SETTINGS, TOCSIN_SECRETS_KEY: key, ...store.environment },
    stop: stop.signal,
  });
  return ran;
}

/** Every row of every table that is moved, without the columns that are not; each as text, in order. */
function rowsOf(db: Database): Promise<Record<string, string[]>> {
  return db.transaction(async (tx) => {
    await tx.query("set local timezone = 'UTC'");
    const found: Record<string, string[]> = {};
    for (const { table, fresh = {} } of MOVED_TABLES) {
      const { rows } = await tx.query<{ line: string }>(
        `select (to_jsonb(t) - $1::text[])::text as line from ${table} t
          where to_jsonb(t) ->> 'action' is null or to_jsonb(t) ->> 'action' not like 'data.%'`,
        [Object.keys(fresh)],
      );
      found[table] = rows.map(({ line }) => line).sort();
    }
    const { rows } = await tx.query<{ line: string }>("select volume::text as line from samples where meter = 'edge'");
    found['volumes'] = rows.map(({ line }) => line).sort();
    return found;
  });
}

async function countIn(db: Database, table: string): Promise<number> {
  return (await db.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]?.n ?? 0;
}

/** A file with everything of a filled store, and the rows of that store. */
async function exported(source: Store): Promise<{ file: string; rows: Record<string, string[]>; ran: Ran }> {
  await using(source, (db) => fillStore(db, TEST_SEALER));
  const rows = await using(source, rowsOf);
  const file = path.join(folder(), 'tocsin.export');
  const ran = await tocsin(['export-data', file], source);
  return { file, rows, ran };
}

describeWithPostgres('tocsin export-data and import-data', () => {
  let whole: Buffer;
  beforeAll(async () => {
    whole = readFileSync((await exported(await server())).file);
  });

  /** A file of its own with everything of a filled store. */
  function exportFile(): string {
    const file = path.join(folder(), 'tocsin.export');
    writeFileSync(file, whole);
    return file;
  }

  test.each([
    { from: 'embedded', to: 'PostgreSQL' },
    { from: 'PostgreSQL', to: 'embedded' },
    { from: 'PostgreSQL', to: 'PostgreSQL' },
    { from: 'PostgreSQL', to: 'a PostgreSQL without a schema' },
  ])('move every row from $from to $to, exactly', async ({ from, to }) => {
    const source = from === 'embedded' ? embedded() : await server();
    const target =
      to === 'embedded' ? embedded() : await server(to === 'PostgreSQL' ? undefined : unmigratedPostgresUrl());
    const { file, rows, ran } = await exported(source);
    expect(Object.entries(rows).filter(([, found]) => found.length === 0)).toEqual([]);
    expect(ran).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^Exported into .* \(\d+ bytes\)\./) });
    expect(ran.err).toContain(`samples: ${SAMPLES + 6} rows\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const done = await tocsin(['import-data', file], target);
    expect(done).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^Imported \d{4} rows into /) });
    await using(target, async (db) => {
      expect(await rowsOf(db)).toEqual(rows);
      for (const table of ['members', 'processes', 'sessions', 'stream_entries', 'stream_marks'])
        expect([table, table in TABLES_LEFT_BEHIND, await countIn(db, table)]).toEqual([table, true, 0]);
      const { rows: owners } = await db.query('select distinct owner, loaded_epoch from partitions');
      expect(owners).toEqual([{ owner: null, loaded_epoch: null }]);
      const { rows: entries } = await db.query("select user_id from audit_entries where action = 'data.import'");
      expect(entries).toEqual([{ user_id: 'command line' }]);
    });
    await using(source, async (db) => {
      expect(await rowsOf(db)).toEqual(rows);
      const { rows: entries } = await db.query("select outcome from audit_entries where action = 'data.export'");
      expect(entries).toEqual([{ outcome: 'done' }]);
    });
  });

  test('let the numbers of new rows go on, and events of the source be no events of the new stream', async () => {
    const file = exportFile();
    const target = await server();
    const epochOf = (db: Database) => db.query<{ epoch: string }>('select epoch from stream_epoch');
    const before = await using(target, epochOf);
    await tocsin(['import-data', file], target);
    await using(target, async (db) => {
      const { rows } = await db.query<{ isNew: boolean }>(
        `insert into samples (message_id, meter, type, unit, volume, resource_id, source, timestamp, recorded_at,
           resource_metadata) values ('x', 'm', '', '', 1, '', '', now(), now(), '{}')
         returning id > (select max(id) from samples) as "isNew"`,
      );
      expect(rows).toEqual([{ isNew: true }]);
      expect((await epochOf(db)).rows).not.toEqual(before.rows);
      const { rows: events } = await db.query(
        `select 'history' as kind from alarm_history where revision is not null
         union all select 'delivery' from notifications where ended_in > (select through from stream_gap)`,
      );
      expect(events).toEqual([]);
    });
  });

  describe('import-data refuses, and changes nothing', () => {
    interface Refused {
      title: string;
      message: RegExp;
      key?: string;
      spoil?: (file: string) => void;
      prepare?: (db: Database) => Promise<unknown>;
    }
    const rewritten = (change: (text: string) => string) => (file: string) =>
      writeFileSync(file, gzipSync(change(gunzipSync(readFileSync(file)).toString())));
    test.each<Refused>([
      { title: 'a file that is missing', message: /^cannot read .*ENOENT/, spoil: (file) => rmSync(file) },
      {
        title: 'a file that is no export',
        message: /^cannot read .*incorrect header check/,
        spoil: (file) => writeFileSync(file, 'text'),
      },
      {
        title: 'a compressed file that is no export',
        message: /^the file is no export of Tocsin$/,
        spoil: rewritten(() => '{"format": "other"}\n'),
      },
      ...['null', '5', '[]', 'text'].map((line) => ({
        title: `a compressed file that begins with the line ${line}`,
        message: /^the file is no export of Tocsin$/,
        spoil: rewritten(() => `${line}\n`),
      })),
      {
        title: 'a file with a row that is no JSON',
        message: /^the file is damaged or incomplete/,
        spoil: rewritten((text) => text.replace(/\n\["k",/, '\n["k,')),
      },
      {
        title: 'a file that is cut off',
        message: /^cannot read .*unexpected end of file/,
        spoil: (file) => truncateSync(file, statSync(file).size - 1_000),
      },
      {
        title: 'a file without its end',
        message: /^the file is damaged or incomplete/,
        spoil: rewritten((text) => text.slice(0, text.trimEnd().lastIndexOf('\n') + 1)),
      },
      {
        title: 'a file that lacks a row',
        message: /^the file is damaged or incomplete/,
        spoil: rewritten((text) => text.replace(/\n\["k",.*\n/, '\n')),
      },
      {
        title: 'an export in another version of the format',
        message: /version 2 of the format, .* reads version 1: import it with the release that made it/,
        spoil: rewritten((text) => text.replace('"version":1', '"version":2')),
      },
      {
        title: 'an export of another schema',
        message: /another schema than the target \(different: 0001-schema\.sql\): export and import with the same/,
        spoil: rewritten((text) =>
          text.replace(/"0001-schema\.sql","checksum":"\w+"/, '"0001-schema.sql","checksum":""'),
        ),
      },
      {
        title: 'secrets whose key the target does not have',
        message: /encrypted with the key [0-9a-f]{12}, which the target does not have: set secrets\.key/,
        key: Buffer.alloc(32, 8).toString('base64'),
      },
      {
        title: 'a target that is not empty',
        message: /^the target is not empty \(rows in: quotas\): import into a new database$/,
        prepare: (db) => db.query("insert into quotas values ('p', 'alarms', 1)"),
      },
      {
        title: 'a target that processes use',
        message: /^processes of Tocsin use the target, .* \(1\): stop them first$/,
        prepare: (db) =>
          db.query("insert into processes values ('p', '{api}', '1', 'h', 1, now(), clock_timestamp(), null)"),
      },
    ])('$title', async ({ message, key, spoil, prepare }) => {
      const file = exportFile();
      const target = await server();
      spoil?.(file);
      if (prepare) await using(target, prepare);
      const before = await using(target, rowsOf);
      const refusal = tocsin(['import-data', file], target, key === undefined ? {} : { key });
      await expect(refusal).rejects.toThrow(message);
      await expect(refusal).rejects.toBeInstanceOf(StartupError);
      await using(target, async (db) => {
        expect(await rowsOf(db)).toEqual(before);
        await db.query('delete from quotas');
        await db.query('delete from processes');
      });
      writeFileSync(file, whole);
      expect(await tocsin(['import-data', file], target)).toMatchObject({ exitCode: 0 });
    });
  });

  test('import-data that is interrupted leaves nothing behind', async () => {
    const file = exportFile();
    const target = await server();
    const before = await using(target, rowsOf);
    await expect(tocsin(['import-data', file], target, { stopAt: 'silences:' })).rejects.toThrow(
      'interrupted: nothing was imported',
    );
    expect(await using(target, rowsOf)).toEqual(before);
  });

  test('export-data that is interrupted leaves no file', async () => {
    const source = await server();
    await using(source, (db) => fillStore(db, TEST_SEALER));
    const file = path.join(folder(), 'tocsin.export');
    await expect(tocsin(['export-data', file], source, { stopAt: 'alarms:' })).rejects.toThrow(
      'interrupted: the file was not written',
    );
    expect([existsSync(file), existsSync(`${file}.unfinished`)]).toEqual([false, false]);
  });

  test('export-data warns of processes that use the database', async () => {
    const source = await server();
    await using(source, (db) =>
      db.query("insert into processes values ('p', '{api}', '1', 'h', 1, now(), clock_timestamp(), null)"),
    );
    const { err } = await tocsin(['export-data', path.join(folder(), 'tocsin.export')], source);
    expect(err).toContain('Warning: processes of Tocsin use this database');
  });

  test('export-data refuses a database of a newer release', async () => {
    const source = await server();
    await using(source, (db) => db.query("insert into migrations values ('9999-newer.sql', '', now())"));
    await expect(tocsin(['export-data', path.join(folder(), 'x')], source)).rejects.toThrow(
      'the database schema is of a newer release (it has: 9999-newer.sql): export it with that release',
    );
  });

  test('export-data does not update the schema', async () => {
    const file = path.join(folder(), 'x');
    await expect(tocsin(['export-data', file], await server(unmigratedPostgresUrl()))).rejects.toThrow(
      /the database schema is not up to date .* run 'tocsin migrate' first/,
    );
  });
});

describe('tocsin export-data', () => {
  test('refuses a file that exists, and keeps it', async () => {
    const file = path.join(folder(), 'kept');
    writeFileSync(file, 'kept');
    await expect(tocsin(['export-data', file], embedded())).rejects.toThrow(`${file} exists`);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  test('refuses a directory without a database, and makes none', async () => {
    const dir = path.join(folder(), 'none');
    const source = { environment: { TOCSIN_DATABASE_DATA_DIR: dir }, open: () => openPglite(dir) };
    await expect(tocsin(['export-data', path.join(folder(), 'x')], source)).rejects.toThrow(
      `database.data_dir: there is no database in ${dir}`,
    );
    expect(existsSync(dir)).toBe(false);
  });

  test('knows every column with a sealed text, so that import-data checks its key', async () => {
    const source = embedded();
    await using(source, (db) => fillStore(db, TEST_SEALER));
    const sealed = await using(source, sealedColumnsOf);
    expect(sealed).toEqual(
      MOVED_TABLES.flatMap(({ table, sealed: columns = [] }) => columns.map((column) => `${table}.${column}`)).sort(),
    );
  });
});

/** The columns with a value that the sealer made. */
async function sealedColumnsOf(db: Database): Promise<string[]> {
  const found: string[] = [];
  for (const { table } of MOVED_TABLES) {
    const { rows } = await db.query<{ name: string }>(
      `select distinct e.key as name from ${table} t, jsonb_each(to_jsonb(t)) e
        where e.value #>> '{}' ~ '^s1\\.[0-9a-f]{12}\\.'`,
    );
    found.push(...rows.map(({ name }) => `${table}.${name}`));
  }
  return found.sort();
}

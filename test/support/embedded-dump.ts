import { PGlite } from '@electric-sql/pglite';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Database, Sql } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migration/migrate.js';

const BUILD = fileURLToPath(new URL('../../', import.meta.url));
/** Files that decide what a migrated database looks like. */
const SOURCES = [
  path.join(BUILD, 'src/storage/migration'),
  path.join(BUILD, '../node_modules/@electric-sql/pglite/package.json'),
  fileURLToPath(import.meta.url),
];
const PREFIX = 'embedded-database-';

/** Small log segments: every test file reads the whole dump. */
const INITDB = ['--wal-segsize=1'];
/** The server fills its buffers with zeros when it starts: with the default of 128 MB that takes 0.6 s. */
const CONFIGURATION = ['shared_buffers=16MB'];
/** Copies of the system catalogue that no connection uses. */
const TEMPLATES = ['template0', 'template1'];

/**
 * The tar file of a migrated, empty embedded database. It stays in `build/` until a migration or PGlite changes. Safe
 * to call from several processes at once.
 */
export async function embeddedDump(): Promise<string> {
  const name = `${PREFIX}${fingerprint()}.tar`;
  const file = path.join(BUILD, name);
  if (existsSync(file)) return file;
  for (const old of readdirSync(BUILD)) {
    if (old.startsWith(PREFIX)) rmSync(path.join(BUILD, old), { force: true });
  }
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, await migratedDump());
  renameSync(unfinished, file);
  return file;
}

function fingerprint(): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) addTo(hash, source);
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: ReturnType<typeof createHash>, source: string): void {
  if (source.endsWith('.map')) return;
  if (/\.[a-z]+$/.test(source)) {
    hash.update(source).update(readFileSync(source));
    return;
  }
  for (const entry of readdirSync(source).sort()) addTo(hash, path.join(source, entry));
}

async function migratedDump(): Promise<Buffer> {
  const pglite = await PGlite.create({ initDbStartParams: INITDB, postgresqlconf: CONFIGURATION });
  try {
    await migrate(databaseOf(pglite));
    for (const template of TEMPLATES) {
      await pglite.exec(`alter database ${template} is_template false`);
      await pglite.exec(`drop database ${template}`);
    }
    await pglite.exec('checkpoint');
    const dump = await pglite.dumpDataDir('none');
    return Buffer.from(await dump.arrayBuffer());
  } finally {
    await pglite.close();
  }
}

/** As much of a database as a migration needs. */
function databaseOf(pglite: PGlite): Database {
  const query: Sql['query'] = async <Row>(text: string, parameters: readonly unknown[] = []) => {
    const { rows, affectedRows } = await pglite.query<Row>(text, [...parameters]);
    return { rows, rowCount: affectedRows ?? 0 };
  };
  return {
    kind: 'pglite',
    query,
    async transaction(work) {
      await query('begin');
      const result = await work({ query });
      await query('commit');
      return result;
    },
    close: () => pglite.close(),
  };
}

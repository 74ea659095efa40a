import { randomUUID } from 'node:crypto';
import pg from 'pg';

import { silentLogger } from '../../src/logger.js';
import { migrateServer } from '../../src/storage/migration/migrate.js';
import { REASON_VARIABLE, URL_VARIABLE, type ServerKind } from './running-servers.js';

/** The database that the set-up of a run migrates; fresh databases are copies of it. */
const MIGRATED = 'tocsin_migrated';

/** A new database on the PostgreSQL of this run: migrated, without rows. It goes when the run ends. */
export async function freshPostgresUrl(): Promise<string> {
  return createDatabase(urlOf('postgres'), randomName(), MIGRATED);
}

/** The same without any table. */
export async function unmigratedPostgresUrl(): Promise<string> {
  return createDatabase(urlOf('postgres'), randomName(), 'template0');
}

/** Creates the database from which `freshPostgresUrl` copies. Once per server. */
export async function createMigratedDatabase(server: string): Promise<void> {
  await migrateServer(await createDatabase(server, MIGRATED, 'template0'), silentLogger);
}

function randomName(): string {
  return `t_${randomUUID().replaceAll('-', '')}`;
}

async function createDatabase(server: string, name: string, template: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`create database ${name} template ${template}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** The address of a server of this run, or the path of a program. */
export function urlOf(kind: ServerKind): string {
  const url = process.env[URL_VARIABLE[kind]];
  if (url === undefined)
    throw new Error(`this run has no ${kind}: ${process.env[REASON_VARIABLE[kind]] ?? 'not started'}`);
  return url;
}

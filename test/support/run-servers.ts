import { randomUUID } from 'node:crypto';
import pg from 'pg';

import { REASON_VARIABLE, URL_VARIABLE, type ServerKind } from './running-servers.js';

/** A new, empty database on the PostgreSQL of this run. It goes when the run ends. */
export async function freshPostgresUrl(): Promise<string> {
  const server = new URL(urlOf('postgres'));
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: server.href });
  await client.connect();
  try {
    await client.query(`create database ${name} template template0`);
  } finally {
    await client.end();
  }
  server.pathname = `/${name}`;
  return server.href;
}

/** The address of a server of this run, or the path of a program. */
export function urlOf(kind: ServerKind): string {
  const url = process.env[URL_VARIABLE[kind]];
  if (url === undefined)
    throw new Error(`this run has no ${kind}: ${process.env[REASON_VARIABLE[kind]] ?? 'not started'}`);
  return url;
}

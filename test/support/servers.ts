import { describe, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';

import { startPostgres } from '../../src/cli/local-servers/postgres.js';
import { startRedis as startLocalRedis, type LocalServer } from '../../src/cli/local-servers/redis.js';
import { inTemporaryFolder, REASON_VARIABLE, URL_VARIABLE, type ServerKind } from './running-servers.js';

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

/** The Redis of this run. All tests share it: use keys of your own. */
export function redisUrl(): string {
  return urlOf('redis');
}

/** A Redis for one test alone, which may kill it. With `port` and `password` of one that is gone it is its successor. */
export function startRedis(like: { port?: number; password?: string } = {}): Promise<LocalServer> {
  return inTemporaryFolder((dir) => startLocalRedis({ dir, ...like }));
}

/** A PostgreSQL for one test alone, which may kill it. */
export function startPrivatePostgres(): Promise<LocalServer> {
  return inTemporaryFolder((dir) => startPostgres({ dir, durable: false }));
}

/** A `describe` that needs a server. Without it the suite is reported as skipped, by name and with the reason; in CI it fails. */
export function describeWith(kinds: readonly ServerKind[], title: string, define: () => void): void {
  const absent = kinds.filter((kind) => process.env[URL_VARIABLE[kind]] === undefined);
  if (absent.length === 0) return describe(title, define);
  const reason = absent.map((kind) => `no ${kind}: ${process.env[REASON_VARIABLE[kind]] ?? 'not started'}`).join('; ');
  if (process.env['CI'] === 'true') {
    return test(title, () => {
      throw new Error(`cannot run: ${reason}`);
    });
  }
  // eslint-disable-next-line no-restricted-syntax -- what may be absent is skipped by name and with the reason, and fails in CI
  return describe.skip(`${title} (skipped, ${reason})`, define);
}

export function describeWithPostgres(title: string, define: () => void): void {
  describeWith(['postgres'], title, define);
}

export function describeWithRedis(title: string, define: () => void): void {
  describeWith(['redis'], title, define);
}

function urlOf(kind: ServerKind): string {
  const url = process.env[URL_VARIABLE[kind]];
  if (url === undefined) throw new Error(`this run has no ${kind}: ${process.env[REASON_VARIABLE[kind]] ?? 'not started'}`);
  return url;
}

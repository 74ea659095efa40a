import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { unprivilegedAccount } from '../../dev/servers/local-process.js';
import { findPostgres, startPostgres } from '../../dev/servers/postgres.js';
import type { LocalServer } from '../../dev/servers/redis.js';

/** A PostgreSQL and its standby, which has each change before it is acknowledged. */
export interface ReplicatedPostgres {
  primary: LocalServer;
  standby: LocalServer;
  /** The URL with both hosts, the standby first. */
  url: string;
}

/** Starts both in a folder. They have the same account. */
export async function startReplicatedPostgres(
  dir: string,
  ask: (url: string, statement: string) => Promise<unknown>,
): Promise<ReplicatedPostgres> {
  const primary = await startPostgres({ dir: path.join(dir, 'primary'), durable: true });
  const { username, password } = new URL(primary.url);
  const folder = path.join(dir, 'standby');
  const account = unprivilegedAccount('postgres');
  mkdirSync(folder);
  chmodSync(folder, 0o700);
  if (account) chownSync(folder, account.uid, account.gid);
  const program = path.join(findPostgres() ?? '', 'pg_basebackup');
  const args = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', username, '-D', path.join(folder, 'data')];
  const copied = spawnSync(program, [...args, '-R', '-X', 'stream', '-c', 'fast'], {
    encoding: 'utf8',
    cwd: '/',
    env: { PGPASSWORD: password },
    ...(account ?? {}),
  });
  if (copied.status !== 0) throw new Error(`pg_basebackup failed: ${copied.stderr}`);
  writeFileSync(path.join(folder, 'password'), `${password}\n`); // with it, the folder counts as initialised
  const standby = await startPostgres({ dir: folder, durable: true });
  await ask(primary.url, "alter system set synchronous_standby_names = '*'");
  await ask(primary.url, 'select pg_reload_conf()');
  const hosts = [standby, primary].map(({ port }) => `127.0.0.1:${port}`).join(',');
  return { primary, standby, url: primary.url.replace(`127.0.0.1:${primary.port}`, hosts) };
}

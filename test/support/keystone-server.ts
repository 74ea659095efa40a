import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startLocalProcess, unprivilegedAccount, type LocalProcess } from '../../dev/servers/local-process.js';
import { KEYSTONE } from './peer-programs.js';

/** Debian's interpreter, not the first on the PATH: only this one sees Debian's packages. */
const PYTHON = '/usr/bin/python3';
const DATABASE = 'keystone.sqlite';
const MANAGE_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 180_000;
const STOP = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/**
 * Keystone's own WSGI application on Python's own server, a thread a connection, so that an idle one blocks no other.
 * With port 0 the system chooses; the port is the first thing it says. Keystone parses sys.argv, so that is emptied.
 */
const SERVE = `
import os, socketserver, sys
from wsgiref.simple_server import WSGIServer, make_server
os.environ['OS_KEYSTONE_CONFIG_FILES'], port = sys.argv[1], int(sys.argv[2])
sys.argv = ['keystone']
from keystone.server.wsgi import initialize_public_application
class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
server = make_server('127.0.0.1', port, initialize_public_application(), server_class=Server)
print('serving on port %d' % server.server_port, flush=True)
server.serve_forever()
`;

/**
 * Keystone keeps a connection reading now and then; without a write-ahead log no other connection could write
 * meanwhile.
 */
const KEEP_LOG_AHEAD = `
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute('pragma journal_mode=wal')
`;

/** A folder with a database, keys and a configuration of its own; nothing below /etc is read. */
export interface KeystoneFolder {
  /** Serves it. Several servers may serve one folder: each accepts the tokens of the others. */
  serve(options: ServeOptions): Promise<KeystoneServer>;
}

export interface ServeOptions {
  tokenLifeSeconds: number;
  /** 0: any free one. */
  port: number;
}

export interface KeystoneServer {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** Makes the database and the keys, and a user `admin` who is admin of project `admin` and of the system. */
export async function createKeystoneFolder(dir: string, adminPassword: string): Promise<KeystoneFolder> {
  const account = unprivilegedAccount('keystone');
  for (const folder of [dir, path.join(dir, 'fernet'), path.join(dir, 'credential')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  const run = (name: string, command: string, args: readonly string[]): Promise<LocalProcess> =>
    startLocalProcess({ name, command, args, logFile: path.join(dir, `${name}.log`), account });
  const configure = (tokenLifeSeconds: number): string => {
    const file = path.join(dir, `keystone-${tokenLifeSeconds}.conf`);
    writeFileSync(file, configuration(dir, tokenLifeSeconds), { mode: 0o644 });
    return file;
  };
  const manage = async (subcommand: string, ...args: string[]): Promise<void> => {
    const command = KEYSTONE.find() ?? 'keystone-manage';
    await finished(
      await run(subcommand, command, ['--config-file', configure(3_600), subcommand, ...args]),
      subcommand,
    );
  };
  await finished(await run('wal', PYTHON, ['-I', '-c', KEEP_LOG_AHEAD, path.join(dir, DATABASE)]), 'wal');
  await Promise.all([manage('db_sync'), manage('fernet_setup')]);
  await manage('bootstrap', '--bootstrap-password', adminPassword);
  return {
    async serve({ tokenLifeSeconds, port }) {
      const server = await run(`serve-${tokenLifeSeconds}`, PYTHON, [
        '-I',
        '-c',
        SERVE,
        configure(tokenLifeSeconds),
        String(port),
      ]);
      const stop = (): Promise<void> => server.stop(STOP);
      try {
        return { port: await saidPort(server), pid: server.pid, stop };
      } catch (cause) {
        await stop();
        throw cause;
      }
    },
  };
}

async function saidPort(server: LocalProcess): Promise<number> {
  let port = 0;
  const listening = (logged: string): boolean => {
    port = Number(/^serving on port (\d+)$/m.exec(logged)?.[1] ?? 0);
    return port > 0;
  };
  await server.untilReady(listening, START_TIMEOUT_MS);
  return port;
}

async function finished(process: LocalProcess, name: string): Promise<void> {
  let said = '';
  const ended = (logged: string): boolean => {
    said = logged;
    return process.hasExited();
  };
  try {
    await process.untilReady(ended, MANAGE_TIMEOUT_MS);
  } finally {
    await process.stop(STOP);
  }
  const how = await process.exited;
  if (how !== 'exit code 0') throw new Error(`Keystone, ${name}: ${how}: ${said.slice(-2_000)}`);
}

/**
 * Cheap password hashes, since there are no attackers; no receipts, since no test uses two
 * factors.
 */
function configuration(dir: string, tokenLifeSeconds: number): string {
  const sections = {
    DEFAULT: { use_stderr: 'true', log_color: 'false' },
    database: {
      connection: `sqlite:///${path.join(dir, DATABASE)}?check_same_thread=false`,
      sqlite_synchronous: 'false',
    },
    identity: { password_hash_rounds: '4' },
    token: { provider: 'fernet', expiration: String(tokenLifeSeconds) },
    fernet_tokens: { key_repository: path.join(dir, 'fernet') },
    fernet_receipts: { key_repository: path.join(dir, 'fernet') },
    credential: { key_repository: path.join(dir, 'credential') },
  };
  return Object.entries(sections)
    .map(([name, options]) =>
      [`[${name}]`, ...Object.entries(options).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n');
}

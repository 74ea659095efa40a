import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startLocalProcess, unprivilegedAccount, type LocalProcess } from '../../dev/servers/local-process.js';
import { KEYSTONE, PYTHON } from './peer-programs.js';
import { finished, iniOf, saidPort, serving, STOP } from './python-server.js';

const DATABASE = 'keystone.sqlite';

/** Keystone's own WSGI application. Keystone parses sys.argv, so that is emptied. */
const SERVE = `
import os, sys
os.environ['OS_KEYSTONE_CONFIG_FILES'], port = sys.argv[1], int(sys.argv[2])
sys.argv = ['keystone']
from keystone.server.wsgi import initialize_public_application
${serving('initialize_public_application()', 'port')}`;

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
  return iniOf(sections);
}

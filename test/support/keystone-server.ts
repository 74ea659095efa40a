import { spawn } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { unprivilegedAccount } from '../../dev/servers/local-process.js';
import { jsonLinesProcess } from './json-lines.js';
import { PYTHON } from './peer-programs.js';
import { iniOf, serving } from './python-server.js';

const DATABASE = 'keystone.sqlite';

/**
 * Imports Keystone once, which takes most of the time of a start, and forks a process for each command of
 * `keystone-manage` and for each server. A line of JSON on standard input is a request: the configuration and the port
 * of a new server, or the pid of a server that shall end. Keystone parses sys.argv, so each process sets it.
 *
 * Keystone keeps a connection reading now and then; without a write-ahead log no other connection could write
 * meanwhile.
 */
const KEYSTONES = `
import ctypes, gc, json, os, signal, sqlite3, sys, traceback
database, config, admin_password = sys.argv[1:]
sys.argv = ['keystone']
import keystone.cmd.cli
from keystone.server.wsgi import initialize_public_application

def manage(*args):
    pid = os.fork()
    if pid == 0:
        sys.argv = ['keystone-manage', '--config-file', config, *args]
        try:
            keystone.cmd.cli.main(argv=sys.argv)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit('keystone-manage failed: ' + args[0])

# A forked process shares this memory until one of the two writes to it, as a collection of garbage would.
gc.freeze()

db = sqlite3.connect(database)
db.execute('pragma journal_mode=wal')
db.close()
manage('db_sync')
manage('fernet_setup')
manage('bootstrap', '--bootstrap-password', admin_password)

servers = set()
def stop(pid):
    servers.remove(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

for line in sys.stdin:
    request = json.loads(line)
    if 'stop' in request:
        stop(request['stop'])
        print('{}', flush=True)
        continue
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        os.dup2(writing, 1)
        os.environ['OS_KEYSTONE_CONFIG_FILES'], port = request['config'], request['port']
        break
    servers.add(pid)
    os.close(writing)
    with os.fdopen(reading) as said:
        print(json.dumps({'pid': pid, 'said': said.readline()}), flush=True)
else:
    for pid in list(servers):
        stop(pid)
    os._exit(0)

# Only the process of a server comes here.
${serving('initialize_public_application()', 'port')}`;

/** A folder with a database, keys and a configuration of its own; nothing below /etc is read. */
export interface KeystoneFolder {
  /** Serves it. Several servers may serve one folder: each accepts the tokens of the others. */
  serve(options: ServeOptions): Promise<KeystoneServer>;
  /** Ends its servers, too. */
  stop(): Promise<void>;
}

export interface ServeOptions {
  tokenLifeSeconds: number;
  /** 0: any free one. */
  port: number;
  /**
   * Keeps in memory what it has read, as installed servers do: a token costs an eighth. Only for the server
   * that makes all changes, since another server does not see them in its memory.
   */
  cache: boolean;
}

export interface KeystoneServer {
  port: number;
  stop(): Promise<void>;
}

/** Makes the database and the keys, and a user `admin` who is admin of project `admin` and of the system. */
export function createKeystoneFolder(dir: string, adminPassword: string): KeystoneFolder {
  const account = unprivilegedAccount('keystone');
  for (const folder of [dir, path.join(dir, 'fernet'), path.join(dir, 'credential')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  const configure = (options: Pick<ServeOptions, 'tokenLifeSeconds' | 'cache'>): string => {
    const file = path.join(dir, `keystone-${options.tokenLifeSeconds}.conf`);
    writeFileSync(file, configuration(dir, options), { mode: 0o644 });
    return file;
  };
  const logFile = path.join(dir, 'keystone.log');
  const log = openSync(logFile, 'a', 0o600);
  const manageConfig = configure({ tokenLifeSeconds: 0, cache: false });
  const child = spawn(PYTHON, ['-I', '-c', KEYSTONES, path.join(dir, DATABASE), manageConfig, adminPassword], {
    stdio: ['pipe', 'pipe', log],
    cwd: '/',
    ...account,
  });
  closeSync(log);
  const python = jsonLinesProcess(child, 'the Python process of Keystone');
  const ask = (request: object): Promise<unknown> =>
    python.ask(request).catch((cause: unknown) => {
      throw new Error(`Keystone failed: ${readFileSync(logFile, 'utf8').slice(-2_000)}`, { cause });
    });
  return {
    async serve({ port, ...options }) {
      const { pid, said } = (await ask({ config: configure(options), port })) as { pid: number; said: string };
      const stop = async (): Promise<void> => void (await ask({ stop: pid }));
      const saidPort = /^serving on port (\d+)$/m.exec(said)?.[1];
      if (saidPort !== undefined) return { port: Number(saidPort), stop };
      throw new Error(`Keystone does not serve: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    },
    stop: () => python.stop(),
  };
}

/**
 * Cheap password hashes, since there are no attackers; no receipts, since no test uses two
 * factors.
 */
function configuration(
  dir: string,
  { tokenLifeSeconds, cache }: Pick<ServeOptions, 'tokenLifeSeconds' | 'cache'>,
): string {
  const sections = {
    DEFAULT: { use_stderr: 'true', log_color: 'false' },
    cache: { backend: cache ? 'dogpile.cache.memory' : 'dogpile.cache.null' },
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

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  existsSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { StartupError } from '../../src/errors.js';
import { makeDirectory } from '../../src/make-directory.js';
import { freePort, startLocalProcess, unprivilegedAccount, type Account, type LocalProcess } from './local-process.js';
import { findOnPath, type LocalServer } from './redis.js';

const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const OLDEST_VERSION = 15;
const SUPERUSER = 'tocsin';
const START_TIMEOUT_MS = 180_000; // recovery after a crash is part of starting
const PORT_TRIES = 3;
/** Fast shutdown, then immediate shutdown, then none. */
const STOP = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/** Options of `startPostgres`. */
export interface StartPostgresOptions {
  /** Directory for this server only. Created and initialised if it does not exist. */
  dir: string;
  /** Default: a free port. */
  port?: number;
  /** False turns fsync off, for tests, whose data is not needed after a crash. */
  durable: boolean;
  ownGroup?: boolean;
  /** Another address of this machine to listen on, and the network whose clients may use it. Default: none. */
  alsoAt?: { address: string; network: string };
}

/** The folder of the programs of the newest PostgreSQL, 15 or later, in Debian's place or on the PATH. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN_VERSIONS) ? readdirSync(DEBIAN_VERSIONS).map(Number) : [];
  const newest = versions
    .filter((version) => version >= OLDEST_VERSION && existsSync(path.join(DEBIAN_VERSIONS, `${version}/bin/initdb`)))
    .sort((a, b) => b - a)[0];
  if (newest !== undefined) return path.join(DEBIAN_VERSIONS, `${newest}/bin`);
  const onPath = findOnPath('initdb');
  return onPath !== undefined && versionOf(onPath) >= OLDEST_VERSION ? path.dirname(realpathSync(onPath)) : undefined;
}

/**
 * Starts a private PostgreSQL: on loopback, with a password, and for root with an unprivileged account.
 * @throws StartupError if the programs are missing, if that account cannot enter the folder, or if the start fails.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<LocalServer> {
  const bin = findPostgres();
  if (bin === undefined) throw new StartupError('PostgreSQL 15 or later is not installed (Debian package: postgresql)');
  const account = unprivilegedAccount('postgres');
  const dir = path.resolve(options.dir);
  makeDirectory(dir, { setting: 'folder of PostgreSQL', mode: 0o700 });
  if (account) chownSync(dir, account.uid, account.gid);
  refuseOutOfReach(dir, account);
  const password = initialise({ bin, dir, account, durable: options.durable });
  if (options.alsoAt) admit(dir, options.alsoAt.network);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = await launch({ ...options, dir }, { bin, port, account });
    try {
      await server.untilReady(() => isReady(dir, server.pid), START_TIMEOUT_MS);
      const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
      return { url, port, pid: server.pid, stop: () => server.stop(STOP) };
    } catch (cause) {
      await server.stop(STOP);
      if (options.port !== undefined || attempt >= PORT_TRIES) throw cause;
    }
  }
}

/** True if the account that runs PostgreSQL can enter this folder, which must exist. */
export function isWithinReach(dir: string, account: Account | undefined = unprivilegedAccount('postgres')): boolean {
  return spawnSync('test', ['-x', dir], { cwd: '/', ...(account ?? {}) }).status === 0;
}

function refuseOutOfReach(dir: string, account: Account | undefined): void {
  if (isWithinReach(dir, account)) return;
  throw new StartupError(
    `${dir} cannot be entered by the account that runs PostgreSQL (uid ${account?.uid}); choose another folder`,
  );
}

interface Initialisation {
  bin: string;
  dir: string;
  account: Account | undefined;
  durable: boolean;
}

/** Creates the database files unless they are complete already, and returns the superuser's password. */
function initialise({ bin, dir, account, durable }: Initialisation): string {
  const passwordFile = path.join(dir, 'password');
  const data = path.join(dir, 'data');
  if (existsSync(passwordFile)) return readFileSync(passwordFile, 'utf8').trim();
  // The password is written last. Without it an earlier initialisation was interrupted.
  rmSync(data, { recursive: true, force: true });
  const password = randomBytes(18).toString('base64url');
  const handed = path.join(dir, 'password.new');
  writeFileSync(handed, `${password}\n`, { mode: 0o600 });
  if (account) chownSync(handed, account.uid, account.gid);
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C';
  const args = [
    '-D',
    data,
    '-U',
    SUPERUSER,
    '--auth=scram-sha-256',
    `--pwfile=${handed}`,
    '-E',
    'UTF8',
    `--locale=${locale}`,
  ];
  const made = spawnSync(path.join(bin, 'initdb'), durable ? args : [...args, '--no-sync'], {
    encoding: 'utf8',
    cwd: '/',
    ...(account ?? {}),
  });
  rmSync(handed);
  if (made.status !== 0) throw new StartupError(`initdb failed: ${(made.error?.message ?? made.stderr).trim()}`);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Lets clients of a network in. */
function admit(dir: string, network: string): void {
  const file = path.join(dir, 'data', 'pg_hba.conf');
  const line = `host all all ${network} scram-sha-256\n`;
  if (!readFileSync(file, 'utf8').includes(line)) appendFileSync(file, line);
}

interface Launch {
  bin: string;
  port: number;
  account: Account | undefined;
}

function launch(options: StartPostgresOptions, { bin, port, account }: Launch): Promise<LocalProcess> {
  const settings = {
    listen_addresses: ['127.0.0.1', ...(options.alsoAt ? [options.alsoAt.address] : [])].join(','),
    unix_socket_directories: '',
    port: String(port),
    max_connections: '300',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return startLocalProcess({
    name: 'PostgreSQL',
    command: path.join(bin, 'postgres'),
    args: [
      '-D',
      path.join(options.dir, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    logFile: path.join(options.dir, 'postgres.log'),
    account,
    endSignal: 'INT',
    ...(options.ownGroup === undefined ? {} : { ownGroup: options.ownGroup }),
  });
}

const PID_LINE = 0;
const STATUS_LINE = 7;
/** `standby` is a server that answers queries while it replicates another. */
const READY = new Set(['ready', 'standby']);

/** Reads the status that the server writes to its lock file for pg_ctl. */
function isReady(dir: string, pid: number): boolean {
  const file = path.join(dir, 'data', 'postmaster.pid');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines[PID_LINE]?.trim() === String(pid) && READY.has(lines[STATUS_LINE]?.trim() ?? '');
}

function versionOf(initdb: string): number {
  // The types do not show that stdout is null if the program does not exist.
  const { stdout } = spawnSync(initdb, ['--version'], { encoding: 'utf8' }) as { stdout: string | null };
  return Number(/(\d+)/.exec(stdout ?? '')?.[1]);
}

import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

import { makeDirectory } from '../../src/make-directory.js';
import { freePort, startLocalProcess, unprivilegedAccount, type LocalProcess } from './local-process.js';

const START_TIMEOUT_MS = 60_000;
const PORT_TRIES = 3;
const STOP = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/** A started server. The URL holds its password. */
export interface LocalServer {
  url: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** Options of `startRedis`. */
export interface StartRedisOptions {
  /** Directory for its log. Redis keeps no data. */
  dir: string;
  /** Default: a free port. */
  port?: number;
  /** Default: a new password. A server that is restarted at the same address needs its old one. */
  password?: string;
  ownGroup?: boolean;
  /** More lines of its configuration. */
  configuration?: readonly string[];
}

/** The path of redis-server, if it is installed. */
export function findRedis(): string | undefined {
  return findOnPath('redis-server');
}

/** The first executable of that name on the PATH or in Debian's directories for programs. */
export function findOnPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/local/bin', '/usr/sbin'];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

/** Starts a private Redis: on loopback, with a password, without persistence, with the policy noeviction. */
export async function startRedis(options: StartRedisOptions): Promise<LocalServer> {
  makeDirectory(options.dir, { setting: 'folder of Redis', mode: 0o700 });
  const password = options.password ?? randomBytes(18).toString('base64url');
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = await launch(options, port, password);
    try {
      await server.untilReady((logged) => logged.includes('Ready to accept connections'), START_TIMEOUT_MS);
      return { url: `redis://:${password}@127.0.0.1:${port}`, port, pid: server.pid, stop: () => server.stop(STOP) };
    } catch (cause) {
      await server.stop(STOP);
      // Else another process may have taken the port: try another one.
      if (options.port !== undefined || attempt >= PORT_TRIES) throw cause;
    }
  }
}

function launch(options: StartRedisOptions, port: number, password: string): Promise<LocalProcess> {
  return startLocalProcess({
    name: 'redis-server',
    command: findRedis() ?? 'redis-server',
    args: ['-'],
    input: [...configuration(port, password), ...(options.configuration ?? []), ''].join('\n'),
    logFile: path.join(options.dir, 'redis.log'),
    account: unprivilegedAccount('redis'),
    ...(options.ownGroup === undefined ? {} : { ownGroup: options.ownGroup }),
  });
}

function configuration(port: number, password: string): string[] {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    'save ""',
    'appendonly no',
    'maxmemory-policy noeviction',
    'daemonize no',
  ];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { freePort, startLocalProcess, unprivilegedAccount } from '../../dev/servers/local-process.js';
import { findRedis, startRedis, type LocalServer } from '../../dev/servers/redis.js';

/** A Redis, its replica, and three sentinels that watch them. */
export interface WatchedRedis {
  primary: LocalServer;
  replica: LocalServer;
  /** The URL with all sentinels. */
  url: string;
  stop(): Promise<void>;
}

const PASSWORD = 'the-password-of-redis';
const SENTINEL_PASSWORD = 'the-password-of-sentinels';
const NAME = 'tocsin';
const SENTINELS = 3;
const START_TIMEOUT_MS = 60_000;
const STOP = [{ signal: 'SIGKILL', waitMs: 10_000 }] as const;

/** Starts all in a folder. */
export async function startWatchedRedis(dir: string): Promise<WatchedRedis> {
  const server = (name: string, ...configuration: string[]): Promise<LocalServer> =>
    startRedis({
      dir: path.join(dir, name),
      password: PASSWORD,
      configuration: [`masterauth ${PASSWORD}`, ...configuration],
    });
  const primary = await server('primary');
  const replica = await server('replica', `replicaof 127.0.0.1 ${primary.port}`);
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, (_, n) => startSentinel(path.join(dir, `sentinel-${n}`), primary.port)),
  );
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    primary,
    replica,
    url: `sentinel://:${PASSWORD}@${hosts}/${NAME}?sentinel_password=${SENTINEL_PASSWORD}`,
    stop: async () => {
      await Promise.all([...sentinels, primary, replica].map((one) => one.stop()));
    },
  };
}

async function startSentinel(dir: string, primaryPort: number): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const account = unprivilegedAccount('redis');
  const file = path.join(dir, 'sentinel.conf'); // the sentinel writes what it learns into it
  mkdirSync(dir);
  writeFileSync(file, configuration(dir, port, primaryPort));
  if (account) for (const one of [dir, file]) chownSync(one, account.uid, account.gid);
  const sentinel = await startLocalProcess({
    name: 'Sentinel',
    command: findRedis() ?? 'redis-server',
    args: [file, '--sentinel'],
    logFile: path.join(dir, 'sentinel.log'),
    account,
  });
  await sentinel.untilReady((logged) => logged.includes('+monitor'), START_TIMEOUT_MS);
  return { port, stop: () => sentinel.stop(STOP) };
}

function configuration(dir: string, port: number, primaryPort: number): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${dir}`,
    `requirepass ${SENTINEL_PASSWORD}`,
    `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2`,
    `sentinel auth-pass ${NAME} ${PASSWORD}`,
    `sentinel down-after-milliseconds ${NAME} 3000`,
    `sentinel failover-timeout ${NAME} 6000`,
    '',
  ].join('\n');
}

import { createHash } from 'node:crypto';
import path from 'node:path';

import { makeDirectory } from '../../src/make-directory.js';
import type { ReleaseStack } from '../../src/release-stack.js';
import { ensureDebianPackages, POSTGRESQL, REDIS } from '../servers/debian-packages.js';
import { isWithinReach, startPostgres } from '../servers/postgres.js';
import { startRedis, type LocalServer } from '../servers/redis.js';

/** Used by root if the account that runs PostgreSQL cannot enter the data directory, for example below /root. */
const OPEN_FOLDER = '/var/lib/tocsin-dev-cluster';

/** The servers that the service needs. */
export interface BackingServers {
  postgres: LocalServer;
  redis: LocalServer;
}

/** Options of `startBackingServers`. */
export interface BackingOptions {
  dataDir: string;
  environment: Record<string, string | undefined>;
  say: (line: string) => void;
  resources: ReleaseStack;
  started: (pid: number) => void;
}

/** Starts PostgreSQL, which keeps its data, and Redis, which does not. Installs missing packages if that is allowed. */
export async function startBackingServers(options: BackingOptions): Promise<BackingServers> {
  const { resources, say, started } = options;
  await ensureDebianPackages([POSTGRESQL, REDIS], { ...options, neededBy: 'the cluster' });
  const postgres = await startPostgres({ dir: postgresFolder(options.dataDir, say), durable: true, ownGroup: true });
  resources.push('PostgreSQL', () => postgres.stop());
  started(postgres.pid);
  const redis = await startRedis({ dir: path.join(options.dataDir, 'redis'), ownGroup: true });
  resources.push('Redis', () => redis.stop());
  started(redis.pid);
  return { postgres, redis };
}

function postgresFolder(dataDir: string, say: (line: string) => void): string {
  if (isWithinReach(dataDir)) return path.join(dataDir, 'postgres');
  const folder = path.join(OPEN_FOLDER, createHash('sha256').update(dataDir).digest('hex').slice(0, 12));
  makeDirectory(path.dirname(folder), { setting: 'folder of PostgreSQL', mode: 0o755 });
  say(`${dataDir} is closed to the account that runs PostgreSQL: its data is in ${folder}`);
  return folder;
}

import { describe, test } from '@jest/globals';

import { startPostgres } from '../../dev/servers/postgres.js';
import { startRedis as startLocalRedis, type LocalServer } from '../../dev/servers/redis.js';
import { freshPostgresUrl, unmigratedPostgresUrl, urlOf } from './run-servers.js';
import { hasServer, inTemporaryFolder, REASON_VARIABLE, type ServerKind } from './running-servers.js';

export { freshPostgresUrl, unmigratedPostgresUrl };

/** The Redis of this run. All tests share it: use keys of your own. */
export function redisUrl(): string {
  return urlOf('redis');
}

/**
 * A Redis for one test alone, which may kill it. With `port` and `password` of one that is gone it is its successor.
 */
export function startRedis(like: { port?: number; password?: string } = {}): Promise<LocalServer> {
  return inTemporaryFolder((dir) => startLocalRedis({ dir, ...like }));
}

/** A PostgreSQL for one test alone, which may kill it. */
export function startPrivatePostgres(): Promise<LocalServer> {
  return inTemporaryFolder((dir) => startPostgres({ dir, durable: false }));
}

/** What no package adds to a machine. Without it CI goes on, and says what it did not run. */
const OF_THE_MACHINE: ReadonlySet<ServerKind> = new Set(['host-network']);

/**
 * A `describe` that needs a server. Without it the suite is reported as skipped, by name and with the reason; in CI it
 * fails, unless only something is missing that no package adds.
 */
export function describeWith(kinds: readonly ServerKind[], title: string, define: () => void): void {
  const absent = kinds.filter((kind) => !hasServer(kind));
  if (absent.length === 0) return describe(title, define);
  const reason = absent.map((kind) => `no ${kind}: ${process.env[REASON_VARIABLE[kind]] ?? 'not started'}`).join('; ');
  if (process.env['CI'] === 'true') {
    const isForGood = absent.every((kind) => OF_THE_MACHINE.has(kind));
    return test(isForGood ? `not run: ${title}` : title, () => {
      if (!isForGood) throw new Error(`cannot run: ${reason}`);
      process.stderr.write(`not run: ${title} (${reason})\n`);
    });
  }

  return describe.skip(`${title} (skipped, ${reason})`, define);
}

export function describeWithPostgres(title: string, define: () => void): void {
  describeWith(['postgres'], title, define);
}

export function describeWithRedis(title: string, define: () => void): void {
  describeWith(['redis'], title, define);
}

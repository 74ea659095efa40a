import { randomUUID } from 'node:crypto';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { ensureDebianPackages, POSTGRESQL, REDIS } from '../dev/servers/debian-packages.js';
import { startPostgres } from '../dev/servers/postgres.js';
import { startRedis } from '../dev/servers/redis.js';
import { silentLogger } from '../src/logger.js';
import { ReleaseStack } from '../src/release-stack.js';
import type { Database } from '../src/storage/database.js';
import { migrate } from '../src/storage/migration/migrate.js';
import { openPostgres } from '../src/storage/engine/postgres.js';
import { freePort, startService, type ServiceProcess } from '../test/support/service-process.js';

/** Real servers for the benchmark: PostgreSQL with durable commits, Redis, and processes of the service. */
export interface Rig {
  db: Database;
  /** Directory for data of other servers. Removed at the end. */
  dir: string;
  postgres: { url: string; pid: number };
  /** Starts a process of the service. Resolves to the URL of its API, if it has that role, once the API is ready. */
  service(roles: string, settings?: Record<string, string>): Promise<{ url: string; process: ServiceProcess }>;
  release(): Promise<void>;
}

/** Starts the servers. */
export async function openRig(): Promise<Rig> {
  const say = (line: string): void => console.error(line);
  await ensureDebianPackages([POSTGRESQL, REDIS], { neededBy: 'the bench', environment: process.env, say });
  const held = new ReleaseStack();
  try {
    const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-bench-'));
    held.push('directory', () => rmSync(dir, { recursive: true, force: true }));
    chmodSync(dir, 0o755);
    const postgres = await startPostgres({ dir: path.join(dir, 'postgres'), durable: true });
    held.push('PostgreSQL', () => postgres.stop());
    const redis = await startRedis({ dir: path.join(dir, 'redis') });
    held.push('Redis', () => redis.stop());
    const db = await openPostgres({ url: postgres.url, maxConnections: 10, statementTimeoutMs: 120_000 }, silentLogger);
    held.push('connection', () => db.close());
    await migrate(db);
    const settings = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      REDIS_PREFIX: `bench-${randomUUID()}`,
      LOG_LEVEL: 'warn',
    };
    return {
      db,
      dir,
      postgres,
      release: () => held.release(),
      async service(roles, own = {}) {
        const port = await freePort();
        const listen = roles.includes('api') ? { API_PORT: String(port) } : { MANAGEMENT_PORT: String(port) };
        const service = startService({ ...settings, ...listen, ...own, ROLES: roles });
        held.push(roles, async () => void (await service.stop()));
        const url = `http://127.0.0.1:${port}`;
        await untilReady(url, service);
        return { url, process: service };
      },
    };
  } catch (cause) {
    await held.release();
    throw cause;
  }
}

async function untilReady(url: string, service: ServiceProcess): Promise<void> {
  for (
    const deadline = Date.now() + 30_000;
    Date.now() < deadline;
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    if (!service.isRunning()) break;
  }
  throw new Error(`the service did not become ready:\n${service.log()}`);
}

/** A receiver that answers 204 at once and reports the time at which the headers of each request arrived. */
export async function fastReceiver(
  onRequest: (id: string, atMs: number) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    onRequest(String(request.headers['webhook-id']), Date.now());
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

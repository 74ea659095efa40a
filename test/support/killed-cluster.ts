import { afterEach, expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { silentLogger } from '../../src/logger.js';
import { eventually } from './eventually.js';
import { startReceiver, type Receiver } from './receiver-server.js';
import { freshPostgresUrl, redisUrl } from './servers.js';
import { freePort, startService, type ServiceProcess } from './service-process.js';

/** A kind of process that tests kill. */
export type KilledRole = 'evaluator' | 'notifier';

/** An API process, and evaluators and notifiers that are killed. */
export interface KilledCluster {
  db: Database;
  receiver: Receiver;
  /** The URL of the API, and what it has logged. */
  url: string;
  apiLog: () => string;
  /** Kills the oldest process of a role, and starts another in its place. */
  replaceOne: (role: KilledRole) => Promise<void>;
  killAll: (role: KilledRole) => Promise<void>;
  startOne: (role: KilledRole) => void;
  /** What the present processes of a role have logged. */
  logOf: (role: KilledRole) => string;
}

/** Settings of all processes: short leases, so that others take over soon. */
const SETTINGS = {
  EVALUATOR_LEASE: '1500ms',
  EVALUATOR_HEARTBEAT: '300ms',
  EVALUATOR_DEADLINE: '2s',
  NOTIFIER_SWEEP_EVERY: '1s',
  LOG_LEVEL: 'warn',
};

/** Makes a function that starts a cluster on a new database. It is ended after the test. */
export function killedClusters(): (
  numbers: Readonly<Record<KilledRole, number>>,
  settings: Readonly<Record<string, string>>,
) => Promise<KilledCluster> {
  const started: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });
  return async (numbers, settings) => {
    const receiver = await startReceiver();
    started.push(() => receiver.close());
    const databaseUrl = await freshPostgresUrl();
    const servers = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl(), REDIS_PREFIX: `kill-${randomUUID()}` };
    const start = (own: Record<string, string>): ServiceProcess => {
      const service = startService({ ...SETTINGS, ...settings, ...servers, ...own });
      started.push(() => service.kill());
      return service;
    };
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const api = start({ ROLES: 'api', API_PORT: String(port) });
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
    const several = (role: KilledRole): ServiceProcess[] =>
      Array.from({ length: numbers[role] }, () => start({ ROLES: role }));
    const processes = { evaluator: several('evaluator'), notifier: several('notifier') };
    const db = await openPostgres({ url: databaseUrl, maxConnections: 4, statementTimeoutMs: 30_000 }, silentLogger);
    started.push(() => db.close());
    return {
      db,
      receiver,
      url,
      apiLog: () => api.log(),
      async replaceOne(role) {
        await processes[role].shift()?.kill();
        processes[role].push(start({ ROLES: role }));
      },
      killAll: async (role) => {
        await Promise.all(processes[role].splice(0).map((one) => one.kill()));
      },
      startOne: (role) => void processes[role].push(start({ ROLES: role })),
      logOf: (role) => processes[role].map((one) => one.log()).join('\n'),
    };
  };
}

/** The number that a statement selects as `n`. */
export async function selectedNumber(db: Database, text: string): Promise<number> {
  return (await db.query<{ n: number }>(text)).rows[0]?.n ?? -1;
}

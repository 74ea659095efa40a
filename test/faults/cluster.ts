import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { startProgram, startService, type Role } from '../../dev/cluster/service-process.js';
import { ensureDebianPackages, POSTGRESQL, REDIS } from '../../dev/servers/debian-packages.js';
import { freePort } from '../../dev/servers/local-process.js';
import { startPostgres } from '../../dev/servers/postgres.js';
import { startRedis, type LocalServer } from '../../dev/servers/redis.js';
import type { ReleaseStack } from '../../src/release-stack.js';
import { Member, type Links } from './cluster-member.js';
import { startProxy } from './proxy.js';
import { readStatements } from './statement-reader.js';
import { TIMING_SETTINGS } from './timings.js';

/** Numbers of processes of each role. */
export const TOPOLOGY: Readonly<Record<Role, number>> = { api: 1, evaluator: 3, notifier: 2 };

/** A server that faults stop and start again at its address. */
export interface RestartableServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Starts it again after it was killed. */
  startAgain(): Promise<void>;
}

/** Options of `startFaultCluster`. */
export interface FaultClusterOptions {
  backendPort: number;
  environment: Readonly<Record<string, string | undefined>>;
  say: (line: string) => void;
  resources: ReleaseStack;
  /** Keeps the folder with logs and records. */
  keep: boolean;
}

/** The processes of the service, each with a proxy to each server, and the servers. */
export interface FaultCluster {
  /** Folder of logs and records. */
  folder: string;
  apiUrl: string;
  postgres: RestartableServer;
  redis: RestartableServer;
  members: readonly Member[];
  of(role: Role): Member[];
}

/** Loaded into each process of the service. */
const HOOKS = ['wall-clock.js', 'blocked-loop.js'].map((file) => `--import ${new URL(file, import.meta.url).href}`);

/** Starts the servers and the processes of the service. All of them end with this process, however it ends. */
export async function startFaultCluster(options: FaultClusterOptions): Promise<FaultCluster> {
  const { resources, say } = options;
  await ensureDebianPackages([POSTGRESQL, REDIS], { ...options, neededBy: 'the fault tests' });
  const folder = mkdtempSync(path.join(tmpdir(), 'tocsin-faults-'));
  chmodSync(folder, 0o755);
  say(`folder of this run: ${folder}`);
  resources.push('folder', () => {
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  });
  const started = (name: string, pid: number): void =>
    appendFileSync(path.join(folder, 'started.jsonl'), `${JSON.stringify({ name, pid })}\n`);
  const postgres = await restartable({
    name: 'PostgreSQL',
    start: (port) =>
      startPostgres({ dir: path.join(folder, 'postgres'), durable: true, ownGroup: true, ...(port && { port }) }),
    started,
    resources,
  });
  const password = Math.random().toString(36).slice(2);
  const redis = await restartable({
    name: 'Redis',
    start: (port) => startRedis({ dir: path.join(folder, 'redis'), ownGroup: true, password, ...(port && { port }) }),
    started,
    resources,
  });
  const launch = {
    environment: {
      PATH: options.environment['PATH'],
      HOME: options.environment['HOME'],
      ...asVariables({ ...TIMING_SETTINGS, LOG_LEVEL: 'info', DATABASE_URL: postgres.url, REDIS_URL: redis.url }),
    },
    say: (name: string, line: string): void => appendFileSync(path.join(folder, `${name}.log`), `${line}\n`),
  };
  const migration = await startProgram('migrate', ['migrate'], launch);
  const outcome = await migration.exited;
  if (outcome !== 'exit code 0') throw new Error(`the database could not be migrated (${outcome})`);

  const apiPort = await freePort();
  const members: Member[] = [];
  for (const [role, count] of Object.entries(TOPOLOGY) as [Role, number][]) {
    for (let n = 1; n <= count; n++) {
      const name = `${role}-${n}`;
      const links = await startLinks({ database: postgres.port, redis: redis.port, backend: options.backendPort });
      resources.push(`links of ${name}`, async () => {
        await Promise.all([links.database, links.redis, links.backend].map((link) => link.close()));
      });
      const clockFile = path.join(folder, `${name}.clock`);
      const blockFile = path.join(folder, `${name}.block`);
      const environment = {
        ...launch.environment,
        NODE_OPTIONS: HOOKS.join(' '),
        ...asVariables({
          DATABASE_URL: withPort(postgres.url, links.database.port),
          REDIS_URL: withPort(redis.url, links.redis.port),
          PROMETHEUS_URL: `http://127.0.0.1:${links.backend.port}`,
          PROMETHEUS_TENANCY: 'none',
          TEST_CLOCK_FILE: clockFile,
          TEST_BLOCK_FILE: blockFile,
          ...(role === 'api' ? { API_PORT: String(apiPort) } : {}),
        }),
      };
      const member = new Member({
        name,
        role,
        links,
        clockFile,
        blockFile,
        start: async () => {
          const process = await startService(name, role, { ...launch, environment });
          started(name, process.pid);
          return process;
        },
      });
      members.push(member);
      resources.push(name, () => member.end());
    }
  }
  await Promise.all(members.map((member) => member.start()));
  return {
    folder,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    postgres,
    redis,
    members,
    of: (role) => members.filter((member) => member.role === role),
  };
}

async function startLinks(ports: Readonly<Record<keyof Links, number>>): Promise<Links> {
  const [database, redis, backend] = await Promise.all([
    startProxy(ports.database, readStatements),
    startProxy(ports.redis),
    startProxy(ports.backend),
  ]);
  return { database, redis, backend };
}

interface Restart {
  name: string;
  start: (port?: number) => Promise<LocalServer>;
  started: (name: string, pid: number) => void;
  resources: ReleaseStack;
}

async function restartable({ name, start, started, resources }: Restart): Promise<RestartableServer> {
  let server = await start();
  const { url, port } = server;
  resources.push(name, () => server.stop());
  started(name, server.pid);
  return {
    url,
    port,
    get pid() {
      return server.pid;
    },
    async startAgain() {
      await server.stop(); // waits until the killed one is gone
      server = await start(port);
      started(name, server.pid);
    },
  };
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

function asVariables(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TOCSIN_${name}`, value]));
}

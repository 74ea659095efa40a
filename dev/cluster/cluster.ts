import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import lockfile from 'proper-lockfile';

import { createSystemClock } from '../../src/clock.js';
import { StartupError, toError } from '../../src/errors.js';
import { silentLogger } from '../../src/logger.js';
import { makeDirectory } from '../../src/make-directory.js';
import { ReleaseStack } from '../../src/release-stack.js';
import { createPartitionStore } from '../../src/storage/evaluation/partition-store.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { startBackingServers, type BackingServers } from './backing-servers.js';
import { startProgram, startService, type LaunchOptions, type Role, type ServiceProcess } from './service-process.js';
import { shareTable } from './share-table.js';

/** Options of a cluster. */
export interface ClusterOptions {
  /** Port of the API. */
  port: number;
  evaluators: number;
  notifiers: number;
  /** Time between two evaluations of an alarm, as in the configuration: `10s`. */
  interval: string;
  dataDir: string;
  /** Restarts a process that has ended. Without it one can watch the other processes take over. */
  restart?: boolean;
  terminal: {
    out(text: string): void;
    err(text: string): void;
    environment: Readonly<Record<string, string | undefined>>;
    stop: AbortSignal;
  };
}

const clock = createSystemClock();
const WATCH_MS = 500;
/** Number of polls for which the table must stay the same before it is printed; more while partitions have no owner. */
const AT_REST = 1;
const AT_REST_WITH_GAPS = 10;
const API_START_MS = 120_000;
const RESTART_MS = 1_000;
const LOCK_STALE_MS = 5_000;
/** A process of the service takes at most 75 s to stop (`shutdown_timeout`). */
const STOP = [
  { signal: 'SIGTERM', waitMs: 80_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/**
 * Runs a small cluster on this machine until it is stopped: PostgreSQL, Redis, and the service in several processes.
 * Then stops the service first and the servers after it. Resolves to the exit code.
 * @throws StartupError if a process does not start. Then all others are stopped.
 */
export async function runCluster(options: ClusterOptions): Promise<number> {
  const cluster = new Cluster(options);
  const killAll = (): void => cluster.killAll();
  process.once('exit', killAll); // after a second Ctrl-C, which ends this process at once
  try {
    await cluster.run();
    return 0;
  } finally {
    await cluster.stop();
    process.off('exit', killAll);
  }
}

class Cluster {
  readonly #resources = new ReleaseStack();
  readonly #services: ServiceProcess[] = [];
  readonly #pids = new Set<number>();
  readonly #dataDir: string;
  #stopping = false;

  constructor(private readonly options: ClusterOptions) {
    this.#dataDir = path.resolve(options.dataDir);
  }

  async run(): Promise<void> {
    const { dataDir, terminal } = { ...this.options, dataDir: this.#dataDir };
    const stopped = (): boolean => terminal.stop.aborted;
    await refusePortInUse(this.options.port);
    this.#resources.push('lock', await lock(dataDir));
    const servers = await startBackingServers({
      dataDir,
      environment: terminal.environment,
      say: (line) => this.#say(line),
      resources: this.#resources,
      started: (pid) => this.#pids.add(pid),
    });
    if (stopped()) return;
    await this.#startServices(this.#launchOptions(servers));
    if (stopped()) return;
    this.#introduce(servers);
    await this.#watchShares(servers.postgres.url);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const running = this.#services.filter((service) => !service.hasExited());
    if (running.length > 0) this.#say('stopping');
    for (const role of ['api', 'evaluator', 'notifier'] satisfies Role[]) {
      await Promise.all(running.filter((service) => service.role === role).map((service) => service.stop(STOP)));
    }
    await this.#resources.release();
  }

  /** Synchronous, for the `exit` event of this process. */
  killAll(): void {
    for (const pid of this.#pids) {
      try {
        process.kill(pid, 'SIGQUIT'); // immediate shutdown of PostgreSQL; ends the other processes too
      } catch {
        // the process has ended already
      }
    }
  }

  async #startServices(launch: LaunchOptions): Promise<void> {
    const migration = await startProgram('migrate', ['migrate'], launch);
    const outcome = await migration.exited;
    if (outcome !== 'exit code 0') throw new StartupError(`the database could not be migrated (${outcome})`);
    const api = await this.#startService('api', 'api', launch);
    await untilListening(this.options.port, api, this.options.terminal.stop);
    for (let n = 1; n <= this.options.evaluators; n++) await this.#startService(`evaluator-${n}`, 'evaluator', launch);
    for (let n = 1; n <= this.options.notifiers; n++) await this.#startService(`notifier-${n}`, 'notifier', launch);
  }

  async #startService(name: string, role: Role, launch: LaunchOptions): Promise<ServiceProcess> {
    const service = await startService(name, role, launch);
    const successorOf = this.#services.findIndex((earlier) => earlier.name === name);
    this.#services.splice(successorOf < 0 ? this.#services.length : successorOf, successorOf < 0 ? 0 : 1, service);
    this.#pids.add(service.pid);
    void this.#watchExit(service, launch);
    return service;
  }

  async #watchExit(service: ServiceProcess, launch: LaunchOptions): Promise<void> {
    const outcome = await service.exited;
    this.#pids.delete(service.pid);
    if (this.#stopping) return;
    this.#say(`${service.name} (pid ${service.pid}) has ended: ${outcome}`);
    if (this.options.restart !== true) return;
    await clock.sleep(RESTART_MS, this.options.terminal.stop);
    if (!this.options.terminal.stop.aborted) await this.#startService(service.name, service.role, launch);
  }

  #launchOptions({ postgres, redis }: BackingServers): LaunchOptions {
    const { terminal, port, interval } = this.options;
    const environment = {
      ...terminal.environment,
      TOCSIN_DATABASE_URL: postgres.url,
      TOCSIN_REDIS_URL: redis.url,
      TOCSIN_QUEUE_REDIS_URL: redis.url,
      TOCSIN_API_PORT: String(port),
      TOCSIN_EVALUATOR_INTERVAL: interval,
    };
    return { environment, say: (name, line) => terminal.err(`${name.padEnd(11)} | ${line}\n`) };
  }

  #introduce({ postgres, redis }: BackingServers): void {
    const pids = this.#services.filter(({ role }) => role === 'evaluator').map(({ name, pid }) => `${name} is ${pid}`);
    this.#say(
      [
        `the API listens on http://127.0.0.1:${this.options.port}`,
        `  PostgreSQL: ${postgres.url}`,
        `  Redis:      ${redis.url}`,
        `End an evaluator with kill, and the others take over at once; ` +
          `with kill -9, after its lease: ${pids.join(', ')}.`,
        'Ctrl-C stops everything.',
      ].join('\n'),
    );
  }

  /** Prints the owners of partitions at the start and after each change that has settled. Returns on a stop. */
  async #watchShares(url: string): Promise<void> {
    const { stop } = this.options.terminal;
    const db = await openPostgres({ url, maxConnections: 1, statementTimeoutMs: 2_000 }, silentLogger);
    this.#resources.push('database connection', () => db.close());
    const partitions = createPartitionStore(db);
    let printed = '';
    let before = '';
    let unchanged = 0;
    while (!stop.aborted) {
      // The user may stop the database, too.
      const owners = await partitions.ownerCounts().catch(() => []);
      const shown = this.#services.map((service) => ({ ...service, ended: service.hasExited() }));
      const table = shareTable(shown, owners);
      unchanged = table === before ? unchanged + 1 : 0;
      before = table;
      const atRest = unchanged >= (owners.some(({ owner }) => owner === null) ? AT_REST_WITH_GAPS : AT_REST);
      if (owners.length > 0 && atRest && table !== printed) {
        this.options.terminal.out(`${table}\n`);
        printed = table;
      }
      await clock.sleep(WATCH_MS, stop);
    }
  }

  #say(line: string): void {
    this.options.terminal.out(`cluster: ${line}\n`);
  }
}

async function lock(dataDir: string): Promise<() => Promise<void>> {
  makeDirectory(dataDir, { setting: '--data-dir', mode: 0o755 });
  try {
    return await lockfile.lock(dataDir, {
      lockfilePath: path.join(dataDir, 'lock'),
      stale: LOCK_STALE_MS,
      retries: { retries: 8, minTimeout: 250, maxTimeout: 1_000 }, // a killed run's lock goes stale
    });
  } catch (cause) {
    const inUse = cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED';
    const problem = inUse ? 'is in use by another cluster' : `cannot be used: ${toError(cause).message}`;
    throw new StartupError(`the data folder ${dataDir} ${problem}`, { cause });
  }
}

async function refusePortInUse(port: number): Promise<void> {
  const server = createServer();
  await once(server.listen(port, '127.0.0.1'), 'listening').catch((cause: unknown) => {
    throw new StartupError(
      `port ${port} cannot be used for the API (${toError(cause).message}); choose another with --port`,
    );
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

async function untilListening(port: number, api: ServiceProcess, stop: AbortSignal): Promise<void> {
  const deadline = clock.monotonicMs() + API_START_MS;
  while (!stop.aborted) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (api.hasExited()) throw new StartupError(`the API has ended (${await api.exited}); see its output above`);
    if (clock.monotonicMs() > deadline)
      throw new StartupError(`the API did not answer within ${API_START_MS / 1_000} s; see its output above`);
    await clock.sleep(100, stop);
  }
}

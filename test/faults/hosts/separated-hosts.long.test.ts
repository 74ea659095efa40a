import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { ownProcess, type OwnProcess } from '../../../dev/servers/local-process.js';
import { startPostgres } from '../../../dev/servers/postgres.js';
import { startRedis } from '../../../dev/servers/redis.js';
import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import { ReleaseStack } from '../../../src/release-stack.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { eventually } from '../../support/eventually.js';
import { randomMoments } from '../../support/moments.js';
import { describeWith } from '../../support/servers.js';
import { NODE_FLAGS } from '../../support/service-process.js';
import { checkRun } from '../checker/check-run.js';
import { watchEvaluations, type EvaluationWatch } from '../evaluation-watch.js';
import { watchMachine } from '../machine-watch.js';
import { startMetricsBackend, type MetricsBackend } from '../metrics-backend.js';
import { openNotifications, readDatabase, transitionsOf } from '../read-records.js';
import { startReceivers, type Receivers } from '../receivers.js';
import type { RecordedFault } from '../records.js';
import { CONCURRENCY, TAKEOVER_MS, TIMING_SETTINGS, TIMINGS } from '../timings.js';
import { createWorkload, type Workload } from '../workload.js';
import { HOSTS, startHostNetwork, type Cut, type HostName, type HostNetwork, type Place } from './host-network.js';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));
const ALARMS = 60;
const RECEIVERS = 2;
const API_PORT = 8042;
/** Longer than the lease, so that others take over. */
const SPLIT_MS = 2 * TIMINGS.leaseMs;
const clock = createSystemClock();

const requests = (host: HostName, ...to: Place[]): Cut[] => to.map((place) => ({ from: host, to: place }));
const answers = (host: HostName, ...from: Place[]): Cut[] => from.map((place) => ({ from: place, to: host }));
const both = (host: HostName, ...places: Place[]): Cut[] => [...requests(host, ...places), ...answers(host, ...places)];

interface Split {
  split: string;
  cuts: Cut[];
  /** True if a host cannot evaluate alarms, and keeps its partitions. */
  isOutage?: boolean;
}

const SPLITS: readonly Split[] = [
  { split: 'one host from the database', cuts: both('host-1', 'database') },
  { split: 'one host from the database, its requests only', cuts: requests('host-2', 'database') },
  { split: 'one host from the database, its answers only', cuts: answers('host-3', 'database') },
  { split: 'one host from Redis', cuts: both('host-1', 'redis') },
  { split: 'one host from Redis, its answers only', cuts: answers('host-2', 'redis') },
  { split: 'one host from the database and Redis', cuts: both('host-3', 'database', 'redis') },
  { split: 'one host from the receivers, their answers only', cuts: answers('host-1', 'receivers') },
  { split: 'one host from the backend', cuts: both('host-3', 'backend'), isOutage: true },
  {
    split: 'one host from all servers and clients',
    cuts: both('host-2', 'database', 'redis', 'backend', 'receivers', 'clients'),
  },
  { split: 'all hosts from Redis', cuts: HOSTS.flatMap((host) => both(host, 'redis')) },
];

describeWith(['host-network'], 'a cluster on three hosts with 20 ms between them and their servers', () => {
  const resources = new ReleaseStack();
  const stop = new AbortController();
  const machine = watchMachine();
  const faults: RecordedFault[] = [];
  const processes: OwnProcess[] = [];
  let network: HostNetwork;
  let backend: MetricsBackend;
  let receivers: Receivers;
  let workload: Workload;
  let db: Database;
  let watch: EvaluationWatch;
  let folder: string;

  beforeAll(async () => {
    resources.push('watch of the machine', () => machine.stop());
    folder = mkdtempSync(path.join(tmpdir(), 'tocsin-hosts-'));
    chmodSync(folder, 0o755); // the servers run as another account
    resources.push('folder', () => rmSync(folder, { recursive: true, force: true }));
    network = await startHostNetwork();
    resources.push('network', () => network.stop());
    const numbers: { all: Iterable<number> } = { all: [] };
    backend = await startMetricsBackend(() => numbers.all, network.addressOf('backend'));
    resources.push('metrics backend', () => backend.close());
    receivers = await startReceivers(RECEIVERS, path.join(folder, 'calls.jsonl'), network.addressOf('receivers'));
    resources.push('receivers', () => receivers.close());
    const alsoAt = { address: network.addressOf('database'), network: network.range };
    const postgres = await startPostgres({ dir: path.join(folder, 'postgres'), durable: true, alsoAt });
    resources.push('PostgreSQL', () => postgres.stop());
    const redis = await startRedis({
      dir: path.join(folder, 'redis'),
      configuration: [`bind 127.0.0.1 ${network.addressOf('redis')}`],
    });
    resources.push('Redis', () => redis.stop());
    const settings = {
      ...TIMING_SETTINGS,
      LOG_LEVEL: 'info',
      DATABASE_URL: postgres.url.replace('127.0.0.1', network.addressOf('database')),
      REDIS_URL: redis.url.replace('127.0.0.1', network.addressOf('redis')),
      PROMETHEUS_URL: `http://${network.addressOf('backend')}:${backend.port}`,
      PROMETHEUS_TENANCY: 'none',
      // A metrics backend that a busy machine keeps from answering is not what this is about.
      EVALUATOR_BACKEND_GRACE: '10m',
      EGRESS_ALLOW: network.range,
      API_PORT: String(API_PORT),
      API_I_UNDERSTAND_NOAUTH_IS_OPEN: 'true',
    };
    for (const host of HOSTS) {
      const service = await startOn(host, { ...settings, API_HOST: network.addressOf(host) });
      processes.push(service);
      resources.push(host, () => service.stop([{ signal: 'SIGKILL', waitMs: 10_000 }]));
      await eventually(async () => expect((await fetch(`${apiOf(host)}/readyz`)).status).toBe(200));
    }
    db = await openPostgres({ url: postgres.url, maxConnections: 4, statementTimeoutMs: 30_000 }, silentLogger);
    resources.push('database connection', () => db.close());
    workload = createWorkload({
      apiUrl: apiOf('host-1'),
      receiverUrls: receivers.each.map(({ url }) => url),
      random: randomMoments(),
      transitionsOf: (alarmId) => transitionsOf(db, alarmId),
      stop: stop.signal,
    });
    numbers.all = workload.numbers;
    await workload.createAlarms(ALARMS);
    watch = watchEvaluations(db);
    resources.push('watch of evaluations', () => watch.stop());
  });

  afterAll(async () => {
    stop.abort();
    await resources.release();
  });

  function apiOf(host: HostName): string {
    return `http://${network.addressOf(host)}:${API_PORT}`;
  }

  /** Starts a process with all roles on a host. */
  async function startOn(host: HostName, settings: Readonly<Record<string, string>>): Promise<OwnProcess> {
    const { command, args } = network.commandOn(host, process.execPath, [...NODE_FLAGS, MAIN, 'serve', '--quiet']);
    const variables = Object.entries(settings).map(([name, value]) => [`TOCSIN_${name}`, value]);
    const child = spawn(command, args, {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...Object.fromEntries(variables) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => appendFileSync(path.join(folder, `${host}.log`), chunk));
    return ownProcess(child, host);
  }

  async function inject({ split, cuts, isOutage = false }: Split): Promise<void> {
    const fromMs = Date.now();
    const before = await network.cut(cuts);
    await clock.sleep(SPLIT_MS);
    const lost = (await network.cut([])) - before;
    const evidence = lost > 0 ? `${lost} frames were lost` : undefined;
    const spans = { fromMs, toMs: Date.now() };
    const bounds = { isOutage, mayRepeat: CONCURRENCY, changesMs: [spans.fromMs, spans.toMs] };
    faults.push({ id: 'F13', kind: `split: ${split}`, detail: split, evidence, ...spans, ...bounds });
    // Until it can have no effect any more.
    await clock.sleep(TAKEOVER_MS + TIMINGS.intervalMs);
  }

  test('loses, doubles and delays nothing beyond the bounds when it is split', async () => {
    const fromMs = Date.now();
    const writing = new AbortController();
    const written = workload.write(writing.signal);
    for (const split of SPLITS) await inject(split);
    writing.abort();
    await written;
    const toMs = Date.now();
    await eventually(async () => expect(await openNotifications(db)).toBe(0));
    await watch.stop();
    const records = {
      ...{ fromMs, toMs, readMs: Date.now() },
      ...(await readDatabase(db, workload)),
      acknowledgedWrites: workload.acknowledged,
      calls: receivers.calls,
      evaluations: watch.evaluations,
      furthestQueryMs: backend.furthestMs,
      faults,
      stalls: machine.stalls,
      pressure: machine.pressure,
      stops: [],
      crashes: HOSTS.filter((_, n) => processes[n]?.hasExited()),
    };
    const verdicts = checkRun(records);
    expect(verdicts.filter(({ verdict }) => verdict === 'broken')).toEqual([]);
    // These need no fast machine.
    const held = verdicts.filter(({ verdict }) => verdict === 'held').map(({ guarantee }) => guarantee);
    expect(held).toEqual(expect.arrayContaining(['G1', 'G3', 'G5', 'G11', 'G12', 'faults']));
  });
});

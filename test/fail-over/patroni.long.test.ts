import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { silentLogger } from '../../src/logger.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { checkBoundedDuplicates } from '../faults/checker/bounded-duplicates.js';
import { checkNothingLost } from '../faults/checker/nothing-lost.js';
import { checkOneTransition } from '../faults/checker/one-transition.js';
import { checkOrderKept } from '../faults/checker/order-kept.js';
import type { Verdict } from '../faults/checker/verdict.js';
import { checkWritesKept } from '../faults/checker/writes-kept.js';
import { startMetricsBackend } from '../faults/metrics-backend.js';
import { openNotifications, readDatabase, transitionsOf } from '../faults/read-records.js';
import { startReceivers, type Receivers } from '../faults/receivers.js';
import type { RecordedFault, RunRecords } from '../faults/records.js';
import { CONCURRENCY, TIMING_SETTINGS } from '../faults/timings.js';
import { createWorkload, type Workload } from '../faults/workload.js';
import { eventually } from '../support/eventually.js';
import { randomMoments } from '../support/moments.js';
import { startPatroni, type PatroniCluster, type PatroniMember } from '../support/patroni.js';
import { describeWith, redisUrl } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';
import { startStateClient } from './state-client.js';

const ALARMS = 40;
const NOTIFIERS = 2;
/** Transitions, or changes by a client, that show that the service works. */
const SOME = 5;

/** What loses the leader, and what brings the former leader back. */
interface LostLeader {
  how: string;
  /** True if no server accepts changes for some time. */
  isOutage: boolean;
  lose: (cluster: PatroniCluster, members: { leader: PatroniMember; standby: PatroniMember }) => Promise<void>;
  bringBack: (formerLeader: PatroniMember) => Promise<void>;
}

function untilReady(port: number): Promise<void> {
  return eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200));
}

describeWith(['postgres', 'redis', 'patroni'], 'a fail-over of PostgreSQL by Patroni', () => {
  const resources = new ReleaseStack();
  const faults: RecordedFault[] = [];
  const stop = new AbortController();
  let cluster: PatroniCluster;
  let services: ServiceProcess[];
  let receivers: Receivers;
  let workload: Workload;
  let apiUrl: string;
  let db: Database;

  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tocsin-patroni-'));
    chmodSync(folder, 0o755); // the servers run as another account
    resources.push('folder', () => rmSync(folder, { recursive: true, force: true }));
    cluster = await startPatroni(folder);
    resources.push('Patroni', () => cluster.stop());
    await cluster.untilReplicated();
    const numbers: { all: Iterable<number> } = { all: [] };
    const backend = await startMetricsBackend(() => numbers.all);
    resources.push('metrics backend', () => backend.close());
    receivers = await startReceivers(1, path.join(folder, 'calls.jsonl'));
    resources.push('receivers', () => receivers.close());
    const port = await freePort();
    const settings = {
      ...TIMING_SETTINGS,
      DATABASE_URL: cluster.url,
      DATABASE_STATEMENT_TIMEOUT: '5s',
      REDIS_URL: redisUrl(),
      REDIS_PREFIX: `patroni-${randomUUID()}`,
      PROMETHEUS_URL: `http://127.0.0.1:${backend.port}`,
      PROMETHEUS_TENANCY: 'none',
      // A metrics backend that a busy machine keeps from answering is not what this is about.
      EVALUATOR_BACKEND_GRACE: '10m',
      API_PORT: String(port),
      LOG_LEVEL: 'warn',
    };
    services = [startService(settings)];
    resources.push('service', async () => void (await Promise.all(services.map((service) => service.kill()))));
    apiUrl = `http://127.0.0.1:${port}`;
    await untilReady(port);
    const managementPort = await freePort();
    services.push(startService({ ...settings, ROLES: 'evaluator,notifier', MANAGEMENT_PORT: String(managementPort) }));
    await untilReady(managementPort);
    db = await openPostgres({ url: cluster.url, maxConnections: 4, statementTimeoutMs: 5_000 }, silentLogger);
    resources.push('database connection', () => db.close());
    workload = createWorkload({
      apiUrl,
      receiverUrls: receivers.each.map(({ url }) => url),
      random: randomMoments(),
      transitionsOf: (alarmId) => transitionsOf(db, alarmId),
      stop: stop.signal,
    });
    numbers.all = workload.numbers;
    await workload.createAlarms(ALARMS);
  });

  afterAll(async () => {
    stop.abort();
    await resources.release();
  });

  /** Waits until transitions that were made from now on are delivered. */
  async function untilTransitionsArrive(): Promise<void> {
    const fromMs = Date.now();
    await eventually(() => {
      const ids = new Set(receivers.calls.filter(({ claimedMs }) => claimedMs > fromMs).map(({ id }) => id));
      expect(ids.size).toBeGreaterThan(SOME);
    });
  }

  /** What receivers, the database and the client's acknowledged writes say together. */
  async function check(): Promise<{ verdicts: Verdict[]; unknown: string[] }> {
    await eventually(async () => expect(await openNotifications(db)).toBe(0));
    const before = [...receivers.calls];
    const readMs = Date.now();
    const read = await readDatabase(db, workload);
    const ids = new Set(read.alarms.map(({ id }) => id));
    const records: RunRecords = {
      ...read,
      ...{ fromMs: 0, toMs: readMs, readMs, evaluations: [], furthestQueryMs: 0, stalls: [], pressure: [] },
      // Without those of the client that sets a state.
      transitions: read.transitions.filter(({ alarmId }) => ids.has(alarmId)),
      acknowledgedWrites: workload.acknowledged,
      calls: receivers.calls,
      faults,
      stops: [],
      crashes: [],
    };
    const checks = [checkNothingLost, checkOneTransition, checkOrderKept, checkWritesKept, checkBoundedDuplicates];
    const known = new Set(read.notifications.map(({ id }) => id));
    return {
      verdicts: checks.map((checkOne) => checkOne(records)),
      unknown: before.map(({ id }) => id).filter((id) => !known.has(id)),
    };
  }

  test.each<LostLeader>([
    {
      how: 'when the leader and its Patroni are killed',
      isOutage: true,
      lose: (_, { leader }) => leader.kill(),
      bringBack: (former) => former.start(),
    },
    {
      how: 'when the host of the leader hangs, and runs again after the promotion',
      isOutage: true,
      lose: async (_, { leader }) => leader.pause(),
      bringBack: async (former) => former.resume(),
    },
    {
      how: 'at a switchover by patronictl',
      isOutage: false,
      lose: (patroni, members) => patroni.switchOver(members),
      bringBack: async () => undefined,
    },
  ])('keeps each acknowledged write and each transition $how', async ({ how, isOutage, lose, bringBack }) => {
    const members = await cluster.untilReplicated();
    const writing = new AbortController();
    const written = workload.write(writing.signal);
    const client = await startStateClient(apiUrl);
    const endWriting = async (): Promise<void> => {
      writing.abort();
      await written;
      await client.stop();
    };
    const untilAcknowledged = async (): Promise<void> => {
      const before = client.acknowledged;
      await eventually(() => expect(client.acknowledged).toBeGreaterThan(before + SOME));
    };
    try {
      await untilAcknowledged();
      await untilTransitionsArrive();
      const fault: RecordedFault = {
        ...{ id: 'F12', kind: 'fail-over', detail: how, fromMs: Date.now(), toMs: Infinity, evidence: how },
        ...{ isOutage, mayRepeat: NOTIFIERS * CONCURRENCY },
      };
      faults.push(fault);
      await lose(cluster, members);
      await eventually(async () => expect(await members.standby.isLeader()).toBe(true));
      await untilAcknowledged();
      await bringBack(members.leader);
      // The former leader follows the promoted one. What it alone had would be gone now.
      expect((await cluster.untilReplicated()).leader.name).toBe(members.standby.name);
      fault.toMs = Date.now();
      await untilTransitionsArrive();
    } finally {
      await endWriting();
    }
    expect(client.wrong).toEqual([]);
    if (isOutage) expect(client.answers.get(503)).toBeGreaterThan(0);
    expect(services.filter((service) => !service.isRunning()).map((service) => service.log())).toEqual([]);
    const { verdicts, unknown } = await check();
    expect(verdicts.filter(({ verdict }) => verdict !== 'held')).toEqual([]);
    expect(unknown).toEqual([]);
  });
});

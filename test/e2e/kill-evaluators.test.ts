import { afterEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { silentLogger } from '../../src/logger.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith, freshPostgresUrl, redisUrl } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';
import { expectedStates, samplesOf, squareWaves, type SquareWave } from './square-wave.js';

const ALARMS = 1_000;
const METERS = 20;
/**
 * The time between two flips at least. A take-over takes interval + lease + two heartbeats + 2 s at most, so no flip is
 * missed. On a slow machine the dwell is as long as the evaluators took to start.
 */
const MIN_DWELL_MS = 15_000;
const FLIPS = 4;
/** The time between two kills at least: the next evaluator is killed when the replacement of the last one works. */
const KILL_EVERY_MS = 4_000;
const MIN_KILLS = 6;
const SLOW = { timeoutMs: 600_000 };
const NOTIFIER_CONCURRENCY = 50;
const SAMPLES_PER_REQUEST = 500;

const SETTINGS = {
  EVALUATOR_INTERVAL: '2s',
  EVALUATOR_LEASE: '1500ms',
  EVALUATOR_HEARTBEAT: '300ms',
  EVALUATOR_DEADLINE: '2s',
  NOTIFIER_CLAIM: '20s',
  NOTIFIER_ATTEMPT_TIMEOUT: '10s',
  NOTIFIER_SWEEP_EVERY: '1s',
  NOTIFIER_CONCURRENCY: String(NOTIFIER_CONCURRENCY),
  NOTIFIER_POLICY: 'every',
  LOG_LEVEL: 'warn',
};

const started: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
});

describeWith(['postgres', 'redis'], 'a cluster whose processes are killed', () => {
  test('makes every transition of a known square wave exactly once and delivers every notification', async () => {
    const cluster = await startCluster();
    const { db, receiver } = cluster;
    // First the alarms, then the data: until there is some, all of them stay where they begin, in insufficient data.
    const meterOf = await createAlarms(cluster, receiver.url);
    const startMs = Date.now();
    const dwellMs = Math.max(MIN_DWELL_MS, cluster.startedInMs);
    const waves = squareWaves({ meters: METERS, startMs, dwellMs, flips: FLIPS });
    const endMs = startMs + (FLIPS + 2) * dwellMs;
    for (const wave of waves) await postSamples(cluster, wave, endMs);
    const kills = await killUntil(endMs, cluster);

    const expected = new Map([...meterOf].map(([id, meter]) => [id, expectedStates(waves[meter]!)]));
    const transitions = [...expected.values()].flat().length;
    await eventually(async () => expect(await countTransitions(db)).toBeGreaterThanOrEqual(transitions));
    await eventually(async () => expect(await undelivered(db)).toBe(0), SLOW);
    expect(await groupStates(db)).toEqual(expected);
    await expectWholeChain(db);
    const { rows } = await db.query<{ id: string; body: string }>('select id, body from notifications');
    expect(rows.length).toBe(transitions);
    const bodies = new Map(rows.map(({ id, body }) => [id, body]));
    const received = receiver.requests.map(({ headers, body }) => ({
      id: String(headers['webhook-id']).replace(/^msg_/, ''),
      body,
    }));
    expect(new Set(received.map(({ id }) => id))).toEqual(new Set(bodies.keys()));
    expect(received.filter(({ id, body }) => bodies.get(id) !== body)).toEqual([]);
    expect(received.length - bodies.size).toBeLessThanOrEqual(kills.notifiers * NOTIFIER_CONCURRENCY);
    // The faults must have been faults: processes died, and partitions changed hands more often than a quiet start
    // explains.
    expect(kills.evaluators).toBeGreaterThanOrEqual(MIN_KILLS);
    expect(await epochs(db)).toBeGreaterThan(256 + 100);
  }, 1_800_000);
});

interface Cluster {
  db: Database;
  receiver: Receiver;
  evaluators: ServiceProcess[];
  notifiers: ServiceProcess[];
  /** From the start of the evaluators until all of them had partitions. */
  startedInMs: number;
  startOne: (role: 'evaluator' | 'notifier') => ServiceProcess;
  post: (path: string, body: unknown) => Promise<{ alarm_id: string }>;
}

async function startCluster(): Promise<Cluster> {
  const databaseUrl = await freshPostgresUrl();
  const receiver = await startReceiver();
  started.push(() => receiver.close());
  const port = await freePort();
  const settings = {
    ...SETTINGS,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: `kill-${randomUUID()}`,
  };
  const start = (own: Record<string, string>): ServiceProcess => {
    const service = startService({ ...settings, ...own });
    started.push(() => service.kill());
    return service;
  };
  const startOne = (role: 'evaluator' | 'notifier'): ServiceProcess => start({ ROLES: role });
  const api = start({ ROLES: 'api', API_PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  const beginMs = Date.now();
  const evaluators = [startOne('evaluator'), startOne('evaluator'), startOne('evaluator')];
  const notifiers = [startOne('notifier'), startOne('notifier')];
  const db = await openPostgres({ url: databaseUrl, maxConnections: 4, statementTimeoutMs: 30_000 }, silentLogger);
  started.push(() => db.close());
  await eventually(async () => expect(await owners(db)).toBe(3));
  const startedInMs = Date.now() - beginMs;
  const post = async (path: string, body: unknown): Promise<{ alarm_id: string }> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`${path}: ${response.status} ${text} ${api.log()}`);
    return JSON.parse(text) as { alarm_id: string };
  };
  return { db, receiver, evaluators, notifiers, startedInMs, startOne, post };
}

/** The values of a meter, in time order, ahead of time. */
async function postSamples({ post }: Cluster, wave: SquareWave, endMs: number): Promise<void> {
  const samples = samplesOf(wave, 250, endMs);
  for (let from = 0; from < samples.length; from += SAMPLES_PER_REQUEST) {
    await post(`/v2/meters/${wave.meter}`, samples.slice(from, from + SAMPLES_PER_REQUEST));
  }
}

/** Makes the alarms, 50 on each meter. Resolves to the meter of each alarm. The end of the data changes no state. */
async function createAlarms({ post }: Cluster, receiverUrl: string): Promise<Map<string, number>> {
  const meterOf = new Map<string, number>();
  const create = async (n: number): Promise<void> => {
    const meter = n % METERS;
    const hook = [`${receiverUrl}/ok/${n}`];
    const { alarm_id } = await post('/v2/alarms', {
      name: `alarm ${n}`,
      type: 'threshold',
      threshold_rule: { meter_name: `wave-${meter}`, comparison_operator: 'gt', threshold: 50, period: 1 },
      ok_actions: hook,
      alarm_actions: hook,
      insufficient_data_actions: hook,
      tocsin: { treat_missing_data: 'ignore' },
    });
    meterOf.set(alarm_id, meter);
  };
  for (let n = 0; n < ALARMS; n += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => create(n + k)));
  return meterOf;
}

/** Kills an evaluator every few seconds, and every third time also a notifier, and starts others in their places. */
async function killUntil(
  endMs: number,
  { db, evaluators, notifiers, startOne }: Cluster,
): Promise<{ evaluators: number; notifiers: number }> {
  const kills = { evaluators: 0, notifiers: 0 };
  for (let round = 0; Date.now() < endMs || kills.evaluators < MIN_KILLS; round += 1) {
    await pause(KILL_EVERY_MS);
    await eventually(async () => expect(await liveOwners(db)).toBe(3), SLOW);
    await evaluators.shift()?.kill();
    kills.evaluators += 1;
    if (round % 3 === 2) {
      await notifiers.shift()?.kill();
      kills.notifiers += 1;
      notifiers.push(startOne('notifier'));
    }
    evaluators.push(startOne('evaluator'));
  }
  return kills;
}

async function groupStates(db: Database): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{ alarm_id: string; states: string[] }>(
    `select alarm_id, array_agg(detail::json ->> 'state' order by state_version) as states
       from alarm_history where type = 'state transition' group by alarm_id`,
  );
  return new Map(rows.map(({ alarm_id, states }) => [alarm_id, states]));
}

/** Each transition starts from the state that the one before it led to. */
async function expectWholeChain(db: Database): Promise<void> {
  const { rows } = await db.query(
    `select * from (select alarm_id, previous_state, lag(detail::json ->> 'state', 1, 'insufficient data')
                      over (partition by alarm_id order by state_version) as before
                      from alarm_history where type = 'state transition') chain
      where previous_state <> before`,
  );
  expect(rows).toEqual([]);
}

async function undelivered(db: Database): Promise<number> {
  return one(db, "select count(*)::int as n from notifications where status <> 'delivered'");
}

async function owners(db: Database): Promise<number> {
  return one(db, 'select count(distinct owner)::int as n from partitions where owner is not null');
}

/** Evaluators that have partitions and whose last heartbeat is younger than their lease. */
async function liveOwners(db: Database): Promise<number> {
  return one(
    db,
    `select count(distinct p.owner)::int as n from partitions p join members m on m.id = p.owner
      where m.heartbeat_at > clock_timestamp() - interval '1500 milliseconds'`,
  );
}

async function countTransitions(db: Database): Promise<number> {
  return one(db, "select count(*)::int as n from alarm_history where type = 'state transition'");
}

async function epochs(db: Database): Promise<number> {
  return one(db, 'select sum(epoch)::int as n from partitions');
}

async function one(db: Database, text: string): Promise<number> {
  return (await db.query<{ n: number }>(text)).rows[0]?.n ?? -1;
}

import { expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';

import type { Database } from '../../src/storage/database.js';
import { BODY } from '../../src/storage/notifications/notification-body.js';
import { eventually } from '../support/eventually.js';
import { killedClusters, selectedNumber, type KilledCluster } from '../support/killed-cluster.js';
import { describeWith } from '../support/servers.js';

const ALARMS = 1_000;
const METERS = 20;
const AT_ONCE = 10;
const POLL_MS = 200;
/** The time between two kills at least: the next evaluator is killed when the replacement of the last one works. */
const KILL_EVERY_MS = 4_000;
const KILLS = 6;
const RULE = { statistic: 'sum', comparison_operator: 'gt', threshold: 50, period: 86_400 };
const SLOW = { timeoutMs: 1_200_000 };
const NOTIFIER_CONCURRENCY = 50;

const SETTINGS = {
  EVALUATOR_INTERVAL: '2s',
  NOTIFIER_CLAIM: '20s',
  NOTIFIER_ATTEMPT_TIMEOUT: '10s',
  NOTIFIER_CONCURRENCY: String(NOTIFIER_CONCURRENCY),
  NOTIFIER_POLICY: 'every',
};

const startCluster = killedClusters();

describeWith(['postgres', 'redis'], 'a cluster whose processes are killed', () => {
  test('makes every transition of a known square wave exactly once and delivers every notification', async () => {
    const cluster = await startCluster({ evaluator: 3, notifier: 2 }, SETTINGS);
    const { db, receiver } = cluster;
    await eventually(async () => expect(await owners(db)).toBe(3));
    const meterOf = await createAlarms(cluster, receiver.url);
    const kills: Kills = { evaluators: 0, notifiers: 0, lastMs: Date.now() };
    const [states] = await Promise.all([changeMeters(cluster, meterOf, kills), killSome(cluster, kills)]);

    const expected = new Map([...meterOf].map(([id, meter]) => [id, states[meter]!]));
    const transitions = [...expected.values()].flat().length;
    await eventually(async () => expect(await countTransitions(db)).toBeGreaterThanOrEqual(transitions), SLOW);
    await eventually(async () => expect(await undelivered(db)).toBe(0), SLOW);
    expect(await groupStates(db)).toEqual(expected);
    await expectWholeChain(db);
    const { rows } = await db.query<{ id: string; body: string }>(`select id, ${BODY} as body from notifications n`);
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
    expect(await epochs(db)).toBeGreaterThan(256 + 100);
  }, 1_800_000);
});

async function post({ url, apiLog }: KilledCluster, path: string, body: unknown): Promise<void> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${path}: ${response.status} ${text} ${apiLog()}`);
}

interface Kills {
  evaluators: number;
  notifiers: number;
  /** When the last evaluator was killed. */
  lastMs: number;
}

/**
 * Changes the value of each meter between 0 and 100, at first and after each kill but the last, when its alarms have
 * followed the change before. Returns the states that the alarms of each meter go through. The meters are out of step,
 * so that some alarms change at any time between two kills.
 */
async function changeMeters(
  cluster: KilledCluster,
  meterOf: ReadonlyMap<string, number>,
  kills: Kills,
): Promise<string[][]> {
  const states = Array.from({ length: METERS }, (): string[] => []);
  while (states.some(({ length }) => length < KILLS)) {
    const followed = await fewestTransitions(cluster.db, meterOf);
    for (const [meter, before] of states.entries()) {
      const isDue = before.length < KILLS && before.length <= kills.evaluators;
      const isItsTurn = Date.now() - kills.lastMs >= (meter / METERS) * KILL_EVERY_MS;
      if (!isDue || !isItsTurn || followed[meter]! < before.length) continue;
      // The alarms compare the sum of all samples.
      const isHigh = before.at(-1) === 'ok';
      await postSample(cluster, meter, before.length === 0 ? 0 : isHigh ? 100 : -100, before.length);
      before.push(isHigh ? 'alarm' : 'ok');
    }
    await pause(POLL_MS);
  }
  return states;
}

/** Of each meter, the number of transitions of its alarm that has the fewest. */
async function fewestTransitions(db: Database, meterOf: ReadonlyMap<string, number>): Promise<number[]> {
  const made = await groupStates(db);
  const fewest = Array.from({ length: METERS }, () => Infinity);
  for (const [id, meter] of meterOf) fewest[meter] = Math.min(fewest[meter]!, made.get(id)?.length ?? 0);
  return fewest;
}

/** `change` is unique: a busy API may answer 503, and then nothing may be stored twice. */
async function postSample(cluster: KilledCluster, meter: number, volume: number, change: number): Promise<void> {
  const name = `wave-${meter}`;
  const sample = { counter_name: name, counter_type: 'gauge', counter_unit: '%', counter_volume: volume };
  const resource = `${name} ${change}`;
  await eventually(async () => {
    const { rows } = await cluster.db.query('select 1 from samples where resource_id = $1', [resource]);
    if (rows.length === 0) await post(cluster, `/v2/meters/${name}`, [{ ...sample, resource_id: resource }]);
  });
}

/** Creates the alarms, about 50 on each meter: a busy API may answer 503 and store one. Resolves to their meters. */
async function createAlarms(cluster: KilledCluster, receiverUrl: string): Promise<Map<string, number>> {
  const create = (n: number): Promise<unknown> => {
    const hook = [`${receiverUrl}/ok/${n}`];
    return post(cluster, '/v2/alarms', {
      name: String(n % METERS),
      type: 'threshold',
      threshold_rule: { ...RULE, meter_name: `wave-${n % METERS}` },
      ok_actions: hook,
      alarm_actions: hook,
      insufficient_data_actions: hook,
    });
  };
  for (let n = 0; n < ALARMS; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => eventually(() => create(n + k))));
  const { rows } = await cluster.db.query<{ id: string; name: string }>('select id, name from alarms');
  return new Map(rows.map(({ id, name }) => [id, Number(name)]));
}

/** Kills an evaluator every few seconds, and every third time also a notifier, and starts others in their places. */
async function killSome({ db, replaceOne }: KilledCluster, kills: Kills): Promise<void> {
  while (kills.evaluators < KILLS) {
    await pause(KILL_EVERY_MS);
    await eventually(async () => expect(await liveOwners(db)).toBe(3), SLOW);
    await replaceOne('evaluator');
    kills.evaluators += 1;
    kills.lastMs = Date.now();
    if (kills.evaluators % 3 !== 0) continue;
    await replaceOne('notifier');
    kills.notifiers += 1;
  }
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
  return selectedNumber(db, "select count(*)::int as n from notifications where status <> 'delivered'");
}

async function owners(db: Database): Promise<number> {
  return selectedNumber(db, 'select count(distinct owner)::int as n from partitions where owner is not null');
}

/** Evaluators that have partitions and whose last heartbeat is younger than their lease. */
async function liveOwners(db: Database): Promise<number> {
  return selectedNumber(
    db,
    `select count(distinct p.owner)::int as n from partitions p join members m on m.id = p.owner
      where m.heartbeat_at > clock_timestamp() - interval '1500 milliseconds'`,
  );
}

async function countTransitions(db: Database): Promise<number> {
  return selectedNumber(db, "select count(*)::int as n from alarm_history where type = 'state transition'");
}

async function epochs(db: Database): Promise<number> {
  return selectedNumber(db, 'select sum(epoch)::int as n from partitions');
}

import { expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { Database } from '../../src/storage/database.js';
import { ask } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { killedClusters, selectedNumber, type KilledCluster } from '../support/killed-cluster.js';
import { randomMoments, withSeed, type Moments } from '../support/moments.js';
import type { ReceivedRequest, Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';

/** What the alarms of a meter do under a silence: which states follow on `ok`. */
const COURSES = {
  'turns bad': ['alarm'],
  'turns bad and good again': ['alarm', 'ok'],
  'turns bad twice': ['alarm', 'ok', 'alarm'],
  'stays good': [],
} as const;
type Course = keyof typeof COURSES;
const NAMES = Object.keys(COURSES) as Course[];

const ALARMS_OF_A_COURSE = 15;
const ROUNDS = 2;
/** Kills of an evaluator and a notifier at random moments: in each round while alarms are held, and after the end. */
const KILLS = 2;
const MOST_BETWEEN_KILLS_MS = 1_500;
const SLOW = { timeoutMs: 600_000 };
const RULE = { statistic: 'sum', comparison_operator: 'gt', threshold: 50, period: 86_400 };

const SETTINGS = { EVALUATOR_INTERVAL: '1s', NOTIFIER_CLAIM: '5s', NOTIFIER_ATTEMPT_TIMEOUT: '3s' };

const startCluster = killedClusters();

describeWith(['postgres', 'redis'], 'notifications under a silence in a cluster whose processes are killed', () => {
  test('are sent once for each action after the end if the state is news, and otherwise not at all', async () => {
    const moments = randomMoments();
    await withSeed(moments, async () => {
      const cluster = { ...(await startCluster({ evaluator: 2, notifier: 2 }, SETTINGS)), sums: new Map() };
      await createAlarms(cluster);
      for (const course of NAMES) await post(cluster, course, 0);
      await eventually(async () => expect(await states(cluster)).toEqual(statesWith(() => 'ok')), SLOW);
      await eventually(async () => expect(await unfinished(cluster.db)).toBe(0), SLOW);
      for (let round = 0; round < ROUNDS; round += 1) await oneRound(cluster, moments);
    });
  }, 1_200_000);
});

/** Silences the alarms, takes them through their courses, and ends the silences, while processes are killed. */
async function oneRound(cluster: Cluster, moments: Moments): Promise<void> {
  const before = new Set(idsIn(cluster.receiver.requests));
  const silences = [await silence(cluster, 'name'), await silence(cluster, 'type')];
  await Promise.all([runCourses(cluster), killSome(cluster, moments)]);
  expect(newIds(cluster.receiver, before)).toEqual([]);

  const killing = killSome(cluster, moments);
  for (const id of silences) await request(cluster, 'DELETE', `/v1/silences/${id}`, undefined, 204);
  await killing;
  await eventually(async () => expect(await unsettled(cluster.db)).toBe(0), SLOW);
  await eventually(async () => expect(await unfinished(cluster.db)).toBe(0), SLOW);

  expect(newIds(cluster.receiver, before)).toEqual(await toldAs(cluster.db, 'delivered', before));
  expect(await actionsTold(cluster, before)).toEqual(expectedActions());
  await goodAgain(cluster);
}

interface Cluster extends KilledCluster {
  /** The sum of all samples of each meter. */
  sums: Map<Course, number>;
}

async function request(
  { url }: Cluster,
  method: string,
  path: string,
  body: unknown,
  status: number,
): Promise<Record<string, unknown>> {
  const answer = await ask(method, url + path, { body });
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.text === '' ? {} : answer.json();
}

/** Each alarm has two actions for each state. */
async function createAlarms(cluster: Cluster): Promise<void> {
  for (const course of NAMES) {
    for (let n = 0; n < ALARMS_OF_A_COURSE; n += 1) {
      const hooks = ['first', 'second'].map((hook) => `${cluster.receiver.url}/${hook}`);
      const body = {
        name: course,
        type: 'threshold',
        threshold_rule: { ...RULE, meter_name: meterOf(course) },
        ok_actions: hooks,
        alarm_actions: hooks,
      };
      await request(cluster, 'POST', '/v2/alarms', body, 201);
    }
  }
}

function meterOf(course: Course): string {
  return course.replaceAll(' ', '-');
}

/** Makes the sum of the samples of a meter this one. */
async function post(cluster: Cluster, course: Course, sum: number): Promise<void> {
  const meter = meterOf(course);
  const sample = { counter_name: meter, counter_type: 'gauge', counter_unit: '%', resource_id: randomUUID() };
  const counter_volume = sum - (cluster.sums.get(course) ?? 0);
  await request(cluster, 'POST', `/v2/meters/${meter}`, [{ ...sample, counter_volume }], 201);
  cluster.sums.set(course, sum);
}

/** Two silences hold each alarm: both have to end. */
async function silence(cluster: Cluster, field: 'name' | 'type'): Promise<string> {
  const matchers = [{ field, value: field === 'name' ? '*' : 'threshold' }];
  const body = { matchers, ends_at: '2099-01-01T00:00:00Z', reason: 'kills', owner: 'test' };
  return (await request(cluster, 'POST', '/v1/silences', body, 201))['id'] as string;
}

/** Takes the alarms through their courses, each next state once all alarms are in the one before. */
async function runCourses(cluster: Cluster): Promise<void> {
  const longest = Math.max(...NAMES.map((course) => COURSES[course].length));
  for (let step = 0; step < longest; step += 1) {
    for (const course of NAMES) {
      const state = COURSES[course][step];
      if (state !== undefined) await post(cluster, course, state === 'alarm' ? 100 : 0);
    }
    const expected = statesWith((course) => COURSES[course][step] ?? COURSES[course].at(-1) ?? 'ok');
    await eventually(async () => expect(await states(cluster)).toEqual(expected), SLOW);
  }
}

/** Ends a round: all alarms are `ok`, and their receivers know it. */
async function goodAgain(cluster: Cluster): Promise<void> {
  for (const course of NAMES) await post(cluster, course, 0);
  await eventually(async () => expect(await states(cluster)).toEqual(statesWith(() => 'ok')), SLOW);
  await eventually(async () => expect(await unfinished(cluster.db)).toBe(0), SLOW);
}

/** Kills an evaluator and a notifier at random moments, and starts others in their places. */
async function killSome({ replaceOne }: Cluster, moments: Moments): Promise<void> {
  for (let kills = 0; kills < KILLS; kills += 1) {
    for (const role of ['evaluator', 'notifier'] as const) {
      await pause(moments.next(MOST_BETWEEN_KILLS_MS));
      await replaceOne(role);
    }
  }
}

function idsIn(requests: readonly ReceivedRequest[]): string[] {
  return requests.map(({ headers }) => String(headers['webhook-id']).replace(/^msg_/, ''));
}

/** Ids that the receiver has seen since. A killed notifier may have sent one that is sent again, with the same id. */
function newIds({ requests }: Receiver, before: ReadonlySet<string>): string[] {
  return [...new Set(idsIn(requests))].filter((id) => !before.has(id)).sort();
}

/** Of each course, the number of notifications that the receiver got since for each action of each alarm. */
async function actionsTold({ db, receiver }: Cluster, before: ReadonlySet<string>): Promise<Record<string, number[]>> {
  const { rows } = await db.query<{ name: string; sent: number[] }>(
    `select name, array_agg(sent order by sent) as sent from (
       select a.name, a.id, h.hook, count(n.id)::int as sent
         from alarms a cross join unnest($2::text[]) as h (hook)
         left join notifications n on n.alarm_id = a.id and n.action = h.hook and n.id = any($1::text[])
        group by a.name, a.id, h.hook) told group by name`,
    [newIds(receiver, before), ['first', 'second'].map((hook) => `${receiver.url}/${hook}`)],
  );
  return Object.fromEntries(rows.map(({ name, sent }) => [name, sent]));
}

/** The state that was told before is `ok`: an alarm that ends in `alarm` is news. */
function expectedActions(): Record<string, number[]> {
  const each = (course: Course): number => (COURSES[course].at(-1) === 'alarm' ? 1 : 0);
  return Object.fromEntries(
    NAMES.map((course) => [course, Array.from({ length: 2 * ALARMS_OF_A_COURSE }, () => each(course))]),
  );
}

async function states({ db }: Cluster): Promise<Record<string, string[]>> {
  const { rows } = await db.query<{ name: string; states: string[] }>(
    'select name, array_agg(distinct state) as states from alarms group by name',
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.states]));
}

function statesWith(stateOf: (course: Course) => string): Record<string, string[]> {
  return Object.fromEntries(NAMES.map((course) => [course, [stateOf(course)]]));
}

async function toldAs(db: Database, status: string, before: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>('select id from notifications where status = $1', [status]);
  return rows
    .map(({ id }) => id)
    .filter((id) => !before.has(id))
    .sort();
}

/** Alarms whose receivers do not know the present state, or whose silence is not settled yet. */
async function unsettled(db: Database): Promise<number> {
  return selectedNumber(db, 'select count(*)::int as n from alarms where told_state is not null');
}

async function unfinished(db: Database): Promise<number> {
  return selectedNumber(
    db,
    "select count(*)::int as n from notifications where status not in ('delivered', 'silenced')",
  );
}

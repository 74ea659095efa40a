import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;
let generous: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
  generous = await startApi(db, { queueActions: true, alarmMaxActions: 2 });
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await generous.close();
  await db.close();
});

function post(actions: unknown, { to = api, as = ADMIN }: { to?: TestApi; as?: Caller } = {}): Promise<Answered> {
  return to.ask('POST', '/v2/alarms', { as, body: thresholdBody({ alarm_actions: actions }) });
}

test.each<[unknown, unknown]>([
  [
    ['test://', 'log://'],
    ['test:', 'log:'],
  ],
  [
    ['test:', 'log:'],
    ['test:', 'log:'],
  ],
  [
    ['http://b/', 'http://a/', 'http://b/'],
    ['http://b/', 'http://a/'],
  ],
  [['HTTP://A/x?'], ['http://A/x']],
  [['https://h/p?a=%2F#'], ['https://h/p?a=%2F']],
  [['http://user:pw@h:8080/x'], ['http://user:pw@h:8080/x']],
  [null, null],
  [[], []],
])('actions %j read %j, and can be sent back as they read', async (given, expected) => {
  const created = await post(given);
  const { alarm_id, alarm_actions } = created.json<{ alarm_id: string; alarm_actions: unknown }>();
  expect([created.status, alarm_actions]).toEqual([201, expected]);
  const again = await api.ask('PUT', `/v2/alarms/${alarm_id}`, { body: thresholdBody({ alarm_actions }) });
  expect([again.status, again.json()['alarm_actions']]).toEqual([200, expected]);
});

test.each<[unknown, number, string]>([
  [['ftp://h/'], 400, 'Unsupported action ftp://h/'],
  [['word'], 400, 'Unsupported action word'],
  [[''], 400, 'Unsupported action '],
  [['http://[bad'], 400, 'Unable to parse action http://[bad'],
  [['http://'], 400, 'Unable to parse action http://'],
  [['http:/h'], 400, 'Unable to parse action http:/h'],
  [[null], 400, 'Unable to parse action None'],
  [['queue://jobs'], 400, 'Unsupported action queue://jobs: queue actions need the setting queue.redis_url, which is not set'],
  [
    ['queue://No_Such'],
    400,
    'Unable to parse action queue://No_Such: a queue is written queue://name, with a name of at most 64 letters a-z, digits and dashes',
  ],
  [
    [3],
    400,
    "Invalid input for field/attribute alarm_actions. Value: '[3]'. Wrong type. Expected '<class 'str'>', got '<class 'int'>'",
  ],
  ['http://x', 400, "Invalid input for field/attribute alarm_actions. Value: 'http://x'. Value not a valid list: http://x"],
])('actions %j are refused with %i', async (given, status, fault) => {
  const answer = await post(given);
  expect([answer.status, answer.fault]).toEqual([status, fault]);
});

test.each(['log://', 'log:', 'test://'])('%s is for admins only, in every list', async (action) => {
  for (const list of ['ok_actions', 'alarm_actions', 'insufficient_data_actions']) {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody({ [list]: [action] }) });
    expect([answer.status, answer.fault]).toEqual([401, `You are not authorized to create action: ${action}`]);
  }
});

test('queues are accepted once a Redis for them is configured', async () => {
  const answer = await post(['queue://jobs-1'], { to: generous, as: MEMBER });
  expect([answer.status, answer.json()['alarm_actions']]).toEqual([201, ['queue://jobs-1']]);
});

test('more actions than configured are refused, counted without repetitions', async () => {
  expect((await post(['http://a/', 'http://b/', 'http://a/'], { to: generous })).status).toBe(201);
  const answer = await post(['http://a/', 'http://b/', 'http://c/'], { to: generous });
  expect([answer.status, answer.fault]).toEqual([400, 'alarm_actions count exceeds maximum value 2']);
});

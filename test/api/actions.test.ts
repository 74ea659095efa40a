import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { createNoauthAuthenticator } from '../../src/api/identity/noauth.js';
import type { Authenticator } from '../../src/api/identity/identity.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;
let generous: TestApi;
/** A stand-in for Keystone: trusts are created and removed without requests. */
let trusting: TestApi;
let strict: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
  generous = await startApi(db, { queueActions: true, alarmMaxActions: 2 });
  const trusts = { create: () => Promise.resolve('trust'), remove: () => Promise.resolve() };
  const authenticate: Authenticator = async (credentials) => ({
    ...(await createNoauthAuthenticator()(credentials)),
    token: 't',
  });
  trusting = await startApi(db, { trusts, authenticate });
  strict = await startApi(db, { trusts, authenticate, trustsOverHttp: false });
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  for (const each of [generous, trusting, strict]) await each.close();
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
  [
    ['zaqar://?topic=x', 'zaqar:?topic=x&subscriber=http://s/'],
    ['zaqar:?topic=x', 'zaqar:?topic=x&subscriber=http://s/'],
  ],
  [['trust+heat://'], ['trust+heat:']],
  [['trust+zaqar://?queue_name=q'], ['trust+zaqar:?queue_name=q']],
  [['trust+zaqar:?queue_name=q'], ['trust+zaqar:?queue_name=q']],
  [['TRUST+HTTP://H/p?a=%2F&b=x@y#'], ['trust+http://H/p?a=%2F&b=x@y']],
  [['trust+https://h:8004/v1/p/stacks'], ['trust+https://h:8004/v1/p/stacks']],
  [null, null],
  [[], []],
])('actions %j read %j, and can be sent back as they read', async (given, expected) => {
  const created = await post(given, { to: trusting });
  const { alarm_id, alarm_actions } = created.json<{ alarm_id: string; alarm_actions: unknown }>();
  expect([created.status, alarm_actions]).toEqual([201, expected]);
  const again = await trusting.ask('PUT', `/v2/alarms/${alarm_id}`, { body: thresholdBody({ alarm_actions }) });
  expect([again.status, again.json()['alarm_actions']]).toEqual([200, expected]);
});

const NO_DNS_NAME = 'a name in DNS has at most 253 characters, and 1 to 63 between its dots';
/** As long as DNS allows. */
const LONG_LABEL = 'a'.repeat(63);
const LONG_NAME = `${'a.'.repeat(126)}a`;

test.each([
  `http://${LONG_LABEL}.b/`,
  `https://${LONG_NAME}/`,
  `http://${LONG_NAME}./`,
  'http://a_b.c./',
  'http://[2600::1]/',
])('the host of %s is accepted', async (action) => {
  expect((await post([action])).status).toBe(201);
});

test.each<[unknown, number, string]>([
  [['ftp://h/'], 400, 'Unsupported action ftp://h/'],
  [['word'], 400, 'Unsupported action word'],
  [[''], 400, 'Unsupported action '],
  [['http://[bad'], 400, 'Unable to parse action http://[bad'],
  [['http://'], 400, 'Unable to parse action http://'],
  [['http:/h'], 400, 'Unable to parse action http:***'],
  [[null], 400, 'Unable to parse action None'],
  [['trust+ftp://h/'], 400, 'Unsupported action trust+ftp://h/'],
  [['trust+http://[bad'], 400, 'Unable to parse action trust+http://[bad'],
  [['trust+https://'], 400, 'Unable to parse action trust+https://'],
  [['zaqar://[bad'], 400, 'Unable to parse action zaqar://[bad'],
  [['http://%zz@host/'], 400, 'Unable to parse action http://host/: a % in user or password is written %25'],
  [['http://u:50%@host/'], 400, 'Unable to parse action http://host/: a % in user or password is written %25'],
  [['http://h:0/'], 400, 'Unable to parse action http://h:0/: there is no port 0'],
  [['http://./'], 400, `Unable to parse action http://./: ${NO_DNS_NAME}`],
  [['http://a..b/'], 400, `Unable to parse action http://a..b/: ${NO_DNS_NAME}`],
  [['trust+https://.b/'], 400, `Unable to parse action trust+https://.b/: ${NO_DNS_NAME}`],
  [[`http://${LONG_LABEL}a.b/`], 400, `Unable to parse action http://${LONG_LABEL}a.b/: ${NO_DNS_NAME}`],
  [[`http://${LONG_NAME}a/`], 400, `Unable to parse action http://${LONG_NAME}a/: ${NO_DNS_NAME}`],
  [
    ['http://good\\@evil/'],
    400,
    'Unable to parse action http://***: the host cannot hold backslashes, tabs and line breaks',
  ],
  [['zaqar:'], 400, 'Unable to parse action zaqar:: a zaqar action needs a topic, or a queue_name with its signature'],
  [
    ['zaqar://?topic=t&ttl=soon'],
    400,
    'Unable to parse action zaqar://?topic=***&ttl=***: ttl must be a whole number of seconds',
  ],
  [['zaqar:?queue_name=..'], 400, 'Unable to parse action zaqar:?queue_name=***: queue_name must name a queue'],
  [['trust+zaqar:'], 400, 'Unable to parse action trust+zaqar:: a trust+zaqar action needs a queue_name'],
  [['http://a/', 'trust+http://id@h/'], 400, 'trust URL cannot contain a trust ID.'],
  [['trust+https://id:delete@h/'], 400, 'trust URL cannot contain a trust ID.'],
  [['trust+https://a\\@h/'], 400, 'trust URL cannot contain a trust ID.'],
  [['trust+zaqar://id@?queue_name=q'], 400, 'trust URL cannot contain a trust ID.'],
  [['TRUST+heat://id:delete@'], 400, 'trust URL cannot contain a trust ID.'],
  [['trust+http://h/?k=secret'], 400, 'Unsupported action trust+http://h/?k=***: trust+ actions need a Keystone token'],
  [
    ['queue://jobs'],
    400,
    'Unsupported action queue://jobs: queue actions need the setting queue.redis_url, which is not set',
  ],
  [
    ['queue://No_Such'],
    400,
    'Unable to parse action queue://No_Such: a queue is written queue://name, with a name of at most 64 letters a-z, digits and dashes',
  ],
  [
    [3],
    400,
    "Invalid input for field/attribute alarm_actions. Value: '[3]'. Wrong " +
      "type. Expected '<class 'str'>', got '<class 'int'>'",
  ],
  [
    'http://x',
    400,
    "Invalid input for field/attribute alarm_actions. Value: 'http://x'. Value not a valid list: http://x",
  ],
])('actions %j are refused with %i', async (given, status, fault) => {
  const answer = await post(given);
  expect([answer.status, answer.fault]).toEqual([status, fault]);
});

const PASSWORD = 's3cret-pass';

test.each<{ sent: unknown; fault: string }>([
  { sent: [`ftp://u:${PASSWORD}@h/?k=${PASSWORD}`], fault: 'Unsupported action ftp://h/?k=***' },
  { sent: [`u:${PASSWORD}@h`], fault: 'Unsupported action u:***' },
  { sent: [`${PASSWORD}@h/`], fault: 'Unsupported action ***' },
  { sent: [` http://u:${PASSWORD}@h/`], fault: 'Unsupported action ***' },
  { sent: [`http:u:${PASSWORD}@h`], fault: 'Unable to parse action http:***' },
  { sent: [`http://u:${PASSWORD}/x@h/`], fault: 'Unable to parse action http://***' },
  { sent: [`http://u:${PASSWORD}@[bad/`], fault: 'Unable to parse action http://***' },
  { sent: [`ftp://u:1/${PASSWORD}@h/`], fault: 'Unsupported action ftp://***' },
  { sent: [`http://u:${PASSWORD}@h:0/?k=${PASSWORD}#${PASSWORD}`], fault: 'Unable to parse action http://h:0/?k=***' },
  { sent: [`sealed:AAAAAAAAAAAAAAAA:http://u:${PASSWORD}@h/`], fault: 'Unsupported action sealed:***' },
  { sent: `http://u:${PASSWORD}@h/`, fault: "Value: 'http://h/'. Value not a valid list: http://h/" },
  { sent: { a: `http://u:${PASSWORD}@h/` }, fault: "Value: '{'a': 'http://h/'}'. Value not a valid list" },
  { sent: [`http://u:${PASSWORD}@h/`, 3], fault: "Value: '['http://h/', 3]'. Wrong type" },
  { sent: [`http://u:${PASSWORD}@h/\u0001`], fault: 'control characters' },
  { sent: [`http://h/?k=${PASSWORD}${'x'.repeat(2_048)}`], fault: 'maximum character requirement' },
  { sent: [`log://u:${PASSWORD}@h/`], fault: 'You are not authorized to create action: log://h/' },
  { sent: [`queue://u:${PASSWORD}@jobs`], fault: 'Unsupported action queue://jobs: queue actions need' },
])('a refusal of $sent repeats no secret of it', async ({ sent, fault }) => {
  const answer = await post(sent, { as: MEMBER });
  expect(answer.fault).toContain(fault);
  expect(answer.text).not.toContain(PASSWORD);
});

test('PUT refuses an action that cannot be sent, and the alarm does not change', async () => {
  const id = await api.create(thresholdBody({ alarm_actions: ['http://h/'] }), ADMIN);
  const answer = await api.ask('PUT', `/v2/alarms/${id}`, {
    body: thresholdBody({ alarm_actions: ['http://%zz@host/'] }),
  });
  expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('Unable to parse action http://host/')]);
  expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).toMatchObject({ alarm_actions: ['http://h/'] });
});

test.each(['http://u:p%25@h/', 'http://u:%ff@h/', 'http://unix/a:b', 'zaqar:?topic=t', 'http://h/%zz'])(
  '%s can be sent, and is accepted',
  async (action) => {
    expect((await post([action])).status).toBe(201);
  },
);

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

test('tokens over plain http can be forbidden', async () => {
  const answer = await post(['trust+http://h/'], { to: strict, as: MEMBER });
  expect([answer.status, answer.fault]).toEqual([
    400,
    'Unsupported action trust+http://h/: trust+https is needed, since notifier.trust_actions_over_http is off',
  ]);
  for (const action of ['trust+https://h/', 'trust+zaqar:?queue_name=q'])
    expect((await post([action], { to: strict, as: MEMBER })).status).toBe(201);
});

test('requests for an alarm whose key is not configured are answered 503, and name no key', async () => {
  const created = await post(['https://user:pw@h/x']);
  await db.query(`update alarms set action_secrets = regexp_replace(action_secrets, '^s1\\.\\w+', 's1.000000000000')`);
  for (const target of ['/v2/alarms', `/v2/alarms/${String(created.json()['alarm_id'])}`]) {
    const answer = await api.ask('GET', target, { as: ADMIN });
    expect([answer.status, answer.fault]).toEqual([
      503,
      'A stored secret cannot be decrypted: its key is not configured',
    ]);
  }
});

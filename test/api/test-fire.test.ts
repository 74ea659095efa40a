import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { createRateLimits } from '../../src/api/http/rate-limits.js';
import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  MEMBER,
  READER,
  startApi,
  STRANGER,
  thresholdBody,
  type Answered,
  type Caller,
  type TestApi,
  type TestApiOptions,
} from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startReceiver, type Answer, type Receiver } from '../support/receiver-server.js';
import { describeWithPostgres } from '../support/servers.js';

/** Longer than any test: only the fake clock would end it. */
const ENDLESS_MS = 1_000_000_000;
const CONFIRMED = { confirm: 'cpu high' };
const ADMIN_OF_P1: Caller = { ...ADMIN, 'x-project-id': 'p1' };

interface Outcome {
  notification_id: string;
  action: string;
  status: string;
  http_status: number | null;
  error: string | null;
  answer: string | null;
}

describe('test-fire on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('test-fire on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  let notifier: NotifierRig | undefined;
  let receiver: Receiver;
  let answer: Answer;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    answer = (_, response) => void response.writeHead(204).end();
    receiver = await startReceiver((request, response) => answer(request, response));
  });
  afterEach(async () => {
    await api.close();
    await notifier?.stop();
    notifier = undefined;
    await receiver.close();
  });
  afterAll(() => db.close());

  async function start(options: TestApiOptions = {}): Promise<void> {
    api = await startApi(db, { testWaitMs: ENDLESS_MS, onWake: () => notifier?.waker.wake(1), ...options });
  }

  /** An API and a notifier on the same clock. */
  async function startBoth(options: TestApiOptions = {}): Promise<void> {
    await start(options);
    const rules = { attemptTimeoutMs: ENDLESS_MS, connectTimeoutMs: ENDLESS_MS, claimMs: 3 * ENDLESS_MS };
    notifier = startNotifier(db, { clock: api.clock, rules });
  }

  /** Sends the request, and moves the clock only when all tests have ended. */
  async function fired(path: string, body: object, as: Caller = MEMBER): Promise<Answered> {
    let answered: Answered | undefined;
    const tests = async (where = ''): Promise<number> =>
      (await db.query(`select 1 from notifications where kind = 'test' ${where}`)).rows.length;
    const before = await tests();
    const asking = api.ask('POST', path, { as, body }).then((given) => (answered = given));
    await eventually(async () => {
      const isStored = (await tests()) > before;
      if (!answered && (!isStored || (await tests('and finished_at is null')) > 0))
        throw new Error('a test has not ended');
    });
    while (!answered) await api.clock.advance(1_000);
    return asking;
  }

  const outcomes = (given: Answered): Outcome[] => given.json<{ notifications: Outcome[] }>().notifications;
  const anAlarm = (fields: object = {}, as = MEMBER): Promise<string> =>
    api.create(thresholdBody({ alarm_actions: [`${receiver.url}/hook`], ...fields }), as);
  const kinds = async (): Promise<unknown[]> => (await db.query('select kind, status from notifications')).rows;

  test('an alarm is tested: the receiver gets one webhook that says so, and the alarm does not change', async () => {
    await startBoth();
    const id = await anAlarm();
    const [alarm, history] = [`/v2/alarms/${id}`, `/v2/alarms/${id}/history`];
    const before = [(await api.ask('GET', alarm)).text, (await api.ask('GET', history)).text];
    const given = await fired(`/v1/alarms/${id}/test-fire`, CONFIRMED);
    expect(given.status).toBe(200);
    expect(given.json()).toMatchObject({
      alarm_id: id,
      state: 'alarm',
      notifications: [{ action: `${receiver.url}/hook`, status: 'delivered', http_status: 204, error: null }],
    });
    expect(receiver.requests).toHaveLength(1);
    const [request] = receiver.requests;
    expect(request?.headers).toMatchObject({ 'tocsin-test': 'true', 'tocsin-sequence': '0' });
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      alarm_id: id,
      alarm_name: 'cpu high',
      previous: 'insufficient data',
      current: 'alarm',
      reason: expect.stringContaining('test'),
    });
    expect([(await api.ask('GET', alarm)).text, (await api.ask('GET', history)).text]).toEqual(before);
    const listed = (await api.ask('GET', '/v1/notifications', { as: MEMBER })).json<{ kind: string }[]>();
    expect(listed).toMatchObject([{ kind: 'test', notification_id: outcomes(given)[0]?.notification_id }]);
  });

  test('a draft is tested, also an action with a secret, and no alarm is created', async () => {
    await startBoth();
    const action = `${receiver.url}/hook?token=s3cret`;
    const alarm = thresholdBody({ ok_actions: [action] });
    const given = await fired('/v1/alarms/test-fire', { alarm, ...CONFIRMED, state: 'ok' });
    expect(given.json()).toMatchObject({ alarm_id: null, state: 'ok', notifications: [{ status: 'delivered' }] });
    expect(given.text).not.toContain('s3cret');
    expect(receiver.requests).toMatchObject([{ target: '/hook?token=s3cret' }]);
    const { rows } = await db.query<{ text: string }>('select n::text as text from notifications n');
    expect(rows[0]?.text).not.toContain('s3cret');
    expect((await db.query('select 1 from alarms')).rows).toEqual([]);
  });

  test('a test that fails is not tried again', async () => {
    answer = (_, response) => void response.writeHead(503, { 'retry-after': '1' }).end();
    await startBoth();
    const given = await fired(`/v1/alarms/${await anAlarm()}/test-fire`, CONFIRMED);
    expect(outcomes(given)).toMatchObject([{ status: 'dead', http_status: 503, error: 'http_status 503' }]);
    expect(await kinds()).toEqual([{ kind: 'test', status: 'dead' }]);
    expect((await db.query('select 1 from delivery_holds')).rows).toEqual([]);
  });

  test('an admin sees the start of the answer of the receiver, a member neither its body nor its headers', async () => {
    answer = (_, response) =>
      void response.writeHead(403, { 'x-secret': 'header' }).end(`no\u001b[2J ${'x'.repeat(2_000)}`);
    await startBoth();
    const path = `/v1/alarms/${await anAlarm()}/test-fire`;
    const forMember = await fired(path, CONFIRMED);
    const forAdmin = await fired(path, CONFIRMED, ADMIN_OF_P1);
    expect(outcomes(forMember)).toMatchObject([{ status: 'dead', http_status: 403, error: 'rejected', answer: null }]);
    expect(outcomes(forAdmin)).toMatchObject([{ status: 'dead', answer: expect.stringMatching(/^no \[2J x{1000,}$/) }]);
    expect(outcomes(forAdmin)[0]?.answer?.length).toBeLessThanOrEqual(1_024);
    const attempts = `/v1/notifications/${outcomes(forAdmin)[0]?.notification_id}/attempts`;
    const [seen] = (await api.ask('GET', attempts, { as: MEMBER })).json<Outcome[]>();
    expect(seen).toMatchObject({ http_status: 403, answer: null });
    expect((await api.ask('GET', attempts, { as: ADMIN })).json<Outcome[]>()[0]?.answer).toMatch(/^no/);
    for (const { text } of [forMember, forAdmin]) expect(text).not.toContain('header');
  });

  test('chosen actions are tested: by position, by text, of another state, and each once', async () => {
    await startBoth();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `${receiver.url}/${name}`) as [string, string, string];
    const id = await anAlarm({ alarm_actions: [a, b], ok_actions: [c] });
    const body = { ...CONFIRMED, actions: [1, b, c.replace('http:', 'HTTP:')] };
    expect(outcomes(await fired(`/v1/alarms/${id}/test-fire`, body)).map(({ action }) => action)).toEqual([b, c]);
    expect(receiver.requests.map(({ target }) => target).sort()).toEqual(['/b', '/c']);
  });

  test('a muted and disabled alarm can be tested', async () => {
    await startBoth();
    const id = await anAlarm({ enabled: false });
    await db.query('update alarms set muted = true');
    expect(outcomes(await fired(`/v1/alarms/${id}/test-fire`, CONFIRMED))).toMatchObject([{ status: 'delivered' }]);
  });

  test('without a notifier the test is cancelled, and is not sent later', async () => {
    await start({ testWaitMs: 0 });
    const given = await api.ask('POST', `/v1/alarms/${await anAlarm()}/test-fire`, { as: MEMBER, body: CONFIRMED });
    expect(given.status).toBe(200);
    expect(outcomes(given)).toMatchObject([{ status: 'cancelled', error: 'not sent in time', http_status: null }]);
  });

  test('while deliveries are paused the answer says so, and nothing is sent', async () => {
    await start();
    const id = await anAlarm();
    for (const project of ['p1', '*']) {
      await api.ask('PUT', `/v1/delivery-pauses/${project}`);
      const given = await api.ask('POST', `/v1/alarms/${id}/test-fire`, { as: MEMBER, body: CONFIRMED });
      expect([given.status, given.fault]).toEqual([409, expect.stringContaining('are paused')]);
      await api.ask('DELETE', `/v1/delivery-pauses/${project}`);
    }
    expect(await kinds()).toEqual([]);
  });

  test('a test cannot be replayed', async () => {
    answer = (_, response) => void response.writeHead(500).end();
    await startBoth();
    const [sent] = outcomes(await fired(`/v1/alarms/${await anAlarm()}/test-fire`, CONFIRMED));
    const replay = await api.ask('POST', `/v1/notifications/${sent?.notification_id}/replay`, { as: MEMBER });
    expect([replay.status, replay.fault]).toEqual([409, expect.stringContaining('is a test')]);
  });

  test('ten actions of a project are tested in a minute, in all its requests', async () => {
    const none = { points: 0, seconds: 60 };
    const rates = { requests: none, writes: none, replays: none, tests: { points: 10, seconds: 60 } };
    await start({ testWaitMs: 0, rateLimits: createRateLimits({ rates, redis: undefined, prefix: randomUUID() }) });
    const actions = Array.from({ length: 6 }, (_, n) => `${receiver.url}/${n}`);
    const path = `/v1/alarms/${await anAlarm({ alarm_actions: actions })}/test-fire`;
    const test = (body: object): Promise<Answered> =>
      api.ask('POST', path, { as: MEMBER, body: { ...CONFIRMED, ...body } });
    expect([(await test({})).status, (await test({ actions: [0, 1, 2, 3] })).status]).toEqual([200, 200]);
    const refused = await test({ actions: [0] });
    expect([refused.status, refused.fault]).toEqual([429, 'Too many tests of actions by this project']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await test({ confirm: 'x' })).status).toBe(400);
    const alarm = thresholdBody({ alarm_actions: actions.slice(0, 1) });
    const other = await api.ask('POST', '/v1/alarms/test-fire', { as: STRANGER, body: { alarm, ...CONFIRMED } });
    expect(other.status).toBe(200);
    expect(await kinds()).toHaveLength(11);
  });

  test('tests count in the hour of the project, and are refused at its limit', async () => {
    await start({ testWaitMs: 0, notificationsPerHour: 2 });
    const path = `/v1/alarms/${await anAlarm()}/test-fire`;
    const test = (): Promise<Answered> => api.ask('POST', path, { as: MEMBER, body: CONFIRMED });
    expect([(await test()).status, (await test()).status]).toEqual([200, 200]);
    const refused = await test();
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '3600']);
  });

  describe('is refused', () => {
    const LOG = { alarm_actions: ['log://', 'http://receiver.example.com/'] };
    test.each<[string, Caller, object, number, string | RegExp]>([
      ['for a reader', READER, CONFIRMED, 403, 'RBAC Authorization Failed'],
      ['for another project', STRANGER, CONFIRMED, 404, /not found/],
      ['without the name', MEMBER, {}, 400, /confirm/],
      ['with another name', MEMBER, { confirm: 'CPU high' }, 400, /confirm.*must be the name of the alarm, 'cpu high'/],
      ['for a position without an action', MEMBER, { ...CONFIRMED, actions: [2] }, 400, /It must be 0 to 1/],
      ['for the address of no action', MEMBER, { ...CONFIRMED, actions: ['http://x/'] }, 400, /no action of the alarm/],
      ['without an action', MEMBER, { ...CONFIRMED, actions: [] }, 400, /at least one action/],
      ['for a state without actions', MEMBER, { ...CONFIRMED, state: 'ok' }, 400, /no ok_actions/],
      ['for an unknown state', MEMBER, { ...CONFIRMED, state: 'fine' }, 400, /state/],
      ['for an unknown field', MEMBER, { ...CONFIRMED, force: true }, 400, /Unknown attribute.*force/],
      ['for an action of admins', MEMBER, CONFIRMED, 403, /Only admins may test the action log:/],
    ])('%s', async (_, as, body, status, fault) => {
      await start({ testWaitMs: 0 });
      const id = await anAlarm(LOG, ADMIN_OF_P1);
      const given = await api.ask('POST', `/v1/alarms/${id}/test-fire`, { as, body });
      expect([given.status, given.fault]).toEqual([status, expect.stringMatching(fault)]);
      expect(await kinds()).toEqual([]);
    });

    test('not for a member who chooses the other action of such an alarm', async () => {
      await start({ testWaitMs: 0 });
      const id = await anAlarm(LOG, ADMIN_OF_P1);
      const body = { ...CONFIRMED, actions: [1] };
      expect((await api.ask('POST', `/v1/alarms/${id}/test-fire`, { as: MEMBER, body })).status).toBe(200);
    });

    test('for an alarm with more than ten actions, unless some are chosen', async () => {
      await start({ testWaitMs: 0 });
      const id = await anAlarm({ alarm_actions: Array.from({ length: 11 }, (_, n) => `${receiver.url}/${n}`) });
      const given = await api.ask('POST', `/v1/alarms/${id}/test-fire`, { as: MEMBER, body: CONFIRMED });
      expect([given.status, given.fault]).toEqual([400, expect.stringContaining('at most 10')]);
    });

    test.each<[string, object, number, RegExp]>([
      [
        'with a trust',
        { ok_actions: ['trust+https://receiver.example.com/'] },
        400,
        /trust\+ actions cannot be tested/,
      ],
      ['with an action of admins', { ok_actions: ['test://'] }, 403, /Only admins/],
      ['of another project', { project_id: 'p2' }, 401, /Not Authorized to access project/],
      ['without an alarm that can be created', { threshold_rule: null }, 400, /threshold_rule must be set/],
      ['with an address that is not allowed', { ok_actions: ['http://169.254.169.254/'] }, 400, /refused/],
    ])('for a draft %s', async (_, fields, status, fault) => {
      await start({ testWaitMs: 0 });
      const alarm = thresholdBody({ alarm_actions: [`${receiver.url}/hook`], ...fields });
      const given = await api.ask('POST', '/v1/alarms/test-fire', { as: MEMBER, body: { alarm, ...CONFIRMED } });
      expect([given.status, given.fault]).toEqual([status, expect.stringMatching(fault)]);
      expect(await kinds()).toEqual([]);
    });
  });
}

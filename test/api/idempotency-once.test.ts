import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once as onceEvent } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';

import type { Database } from '../../src/storage/database.js';
import { DatabaseUnavailable } from '../../src/storage/engine/outage.js';
import { createIdempotencyStore } from '../../src/storage/idempotency/idempotency-store.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Answered, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { failing, type FailingDatabase } from '../support/failing-database.js';
import { TEST_SEALER } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeNotifications } from '../support/stored-notifications.js';

const REQUEST_STARTS = 'http.server.request.start';
const REPLAY = '/v1/notifications/replay?status=dead';
/** Only the fake clock ends the wait for the outcomes of tests. */
const TEST_WAIT_MS = 3_600_000;
const BODY = { confirm: 'cpu high', state: 'alarm' };
const NO_DATABASE = new DatabaseUnavailable(new Error('the connection broke'));

describe('on the embedded database', () => once(embeddedDatabase));
describeWithPostgres('on PostgreSQL', () => once(serverDatabase));

function once(open: () => Promise<Database>): void {
  let db: FailingDatabase;
  let api: TestApi;
  let path: string;

  beforeAll(async () => {
    db = failing(await open());
  });
  beforeEach(async () => {
    db.heal();
    await empty(db);
  });
  afterEach(() => api.close());
  afterAll(() => db.close());

  async function start(testWaitMs: number): Promise<void> {
    api = await startApi(db, { testWaitMs });
    const id = await api.create(thresholdBody({ alarm_actions: ['http://h:8080/x'] }), MEMBER);
    path = `/v1/alarms/${id}/test-fire`;
  }

  const headers = { 'idempotency-key': 'k' };
  const fire = (): Promise<Answered> => api.ask('POST', path, { as: MEMBER, headers, body: BODY });
  const sent = async (): Promise<number> => (await db.query('select 1 from notifications')).rows.length;

  /** Sends a request with the key, and closes its connection. Resolves when the API has seen that. */
  async function sendAndLeave(target: string, body: object | undefined, when: () => Promise<unknown>): Promise<void> {
    let response: ServerResponse | undefined;
    const onRequest = (message: unknown): void =>
      void (response ??= (message as { response: ServerResponse }).response);
    subscribe(REQUEST_STARTS, onRequest);
    const type = body && { 'content-type': 'application/json' };
    const options = { method: 'POST', headers: { ...MEMBER, ...headers, ...type }, agent: false };
    const leaving = httpRequest(`${api.url}${target}`, options);
    leaving.on('error', () => undefined).end(body && JSON.stringify(body));
    await when();
    unsubscribe(REQUEST_STARTS, onRequest);
    const closed = onceEvent(response!, 'close');
    leaving.destroy();
    await closed;
  }

  test('a test of actions whose client leaves goes on, and the repeat gets its whole answer', async () => {
    await start(TEST_WAIT_MS);
    await sendAndLeave(path, BODY, () => eventually(async () => expect(await sent()).toBe(1)));
    const early = await fire();
    expect([early.status, early.fault, early.headers['retry-after']]).toEqual([
      409,
      expect.stringContaining('has no answer yet'),
      '1',
    ]);
    await db.query("update notifications set status = 'delivered', finished_at = $1", [api.clock.now()]);
    const repeat = await eventually(async () => {
      await api.clock.advance(1_000);
      const answer = await fire();
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toMatchObject({ notifications: [{ status: 'delivered' }] });
    expect(await sent()).toBe(1);
  });

  test('a replay of many whose client leaves goes on, and the repeat gets its whole answer', async () => {
    await start(0);
    const ended = { projectId: 'p1', status: 'dead', attempt: 11, finishedAt: new Date(NOON.getTime() - 1) };
    await storeNotifications(
      db,
      Array.from({ length: 600 }, (_, at) => ({ id: `n${at}`, alarmId: `a${at}`, ...ended })),
    );
    const first = db.holdAt(/set status = 'pending', next_attempt_at = /);
    await sendAndLeave(REPLAY, undefined, () => first.isHeld);
    first.now();
    const repeat = await eventually(async () => {
      const answer = await api.ask('POST', REPLAY, { as: MEMBER, headers });
      expect(answer.status).toBe(202);
      return answer;
    });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toMatchObject({ replayed: 600, has_more: false });
  });

  test('a request that fails before it has sent anything is carried out when it is repeated', async () => {
    await start(0);
    db.failAt(/where a\.id = \$1/, NO_DATABASE);
    expect((await fire()).status).toBe(503);
    db.heal();
    const repeat = await fire();
    expect([repeat.status, repeat.headers['idempotency-replayed']]).toEqual([200, undefined]);
    expect(await sent()).toBe(1);
  });

  test.each([
    { failure: NO_DATABASE, status: 503 },
    { failure: new TypeError('a bug'), status: 500 },
  ])('the repeat of a request that failed after it had begun is told so at once: $status', async (given) => {
    await start(0);
    db.failAt(/insert into notifications/, given.failure);
    expect((await fire()).status).toBe(given.status);
    db.heal();
    const repeat = await fire();
    expect([repeat.status, repeat.fault]).toEqual([
      409,
      expect.stringContaining(`failed with status ${given.status}: it may have been carried out in part`),
    ]);
    expect(await sent()).toBe(0);
    const trail = await api.ask('GET', '/v1/audit?action=alarm.test_fire', { as: ADMIN });
    expect(trail.json<{ outcome: string }[]>().map(({ outcome }) => outcome)).toEqual(['failed']);
  });

  const CLAIM = /insert into idempotency_keys/;
  const A_MINUTE_MS = 60_000;

  test('a request whose claim was committed without an answer is carried out when it is repeated', async () => {
    await start(0);
    db.loseCommits(CLAIM, NO_DATABASE);
    expect((await fire()).status).toBe(503);
    db.heal();
    expect((await fire()).status).toBe(200);
    expect(await sent()).toBe(1);
  });

  test('a request whose claim could not be removed is carried out once the claim has run out', async () => {
    await start(0);
    db.loseCommits(CLAIM, NO_DATABASE);
    db.failAt(/delete from idempotency_keys/, NO_DATABASE);
    expect((await fire()).status).toBe(503);
    db.heal();
    const early = await fire();
    expect([early.status, early.fault]).toEqual([409, expect.stringContaining('has no answer yet')]);
    await api.clock.advance(A_MINUTE_MS);
    expect((await fire()).status).toBe(200);
    expect(await sent()).toBe(1);
  });

  test('a request that is too late for its claim sends nothing and leaves the claim of the repeat alone', async () => {
    await start(0);
    const late = db.holdAt(/where a\.id = \$1/);
    const first = fire();
    await late.isHeld;
    db.heal();
    await db.query('update idempotency_keys set running_until = $1', [api.clock.now()]);
    const sending = db.holdAt(/insert into notifications/);
    const second = fire();
    await sending.isHeld;
    db.heal();
    late.now();
    const answers = [await first, await fire()];
    sending.now();
    expect(answers.map(({ status, fault }) => [status, fault])).toEqual([
      [409, expect.stringContaining('has no answer yet')],
      [409, expect.stringContaining('has no answer yet')],
    ]);
    expect((await second).status).toBe(200);
    expect((await fire()).headers['idempotency-replayed']).toBe('true');
    expect(await sent()).toBe(1);
  });

  test('a claim that another process has taken can neither begin nor change the key any more', async () => {
    await start(0);
    const store = createIdempotencyStore(db, TEST_SEALER);
    const id = { projectId: 'p1', userId: 'u1', route: 'r', key: 'k' };
    const claimed = { id, requestHash: 'hash', at: NOON };
    const until = new Date(NOON.getTime() + A_MINUTE_MS);
    await store.claim(db, claimed, { claimId: 'old', until: NOON });
    await store.claim(db, claimed, { claimId: 'new', until });
    const taken = { id, claimId: 'old' };
    expect(await store.begin(taken, NOON)).toBe(false);
    await store.renew(taken, NOON);
    await store.end(taken, { status: 200, content: undefined, entries: [] }, NOON);
    await store.release(taken);
    expect(await store.find(db, id, NOON)).toEqual({
      requestHash: 'hash',
      answer: undefined,
      runningUntil: until,
      hasBegun: false,
    });
  });

  test('a replay of one notification is committed before its answer is kept, so it holds no counter', async () => {
    await start(0);
    const notification = { id: 'n1', alarmId: 'a1', projectId: 'p1', status: 'dead', attempt: 11, finishedAt: NOON };
    await storeNotifications(db, [notification]);
    const keeping = db.holdAt(/idempotency_keys (as k|set made_at)/);
    const answer = api.ask('POST', '/v1/notifications/n1/replay', { as: MEMBER, headers });
    await keeping.isHeld;
    expect((await db.query('select status from notifications')).rows).toEqual([{ status: 'pending' }]);
    keeping.now();
    expect((await answer).status).toBe(202);
  });
}

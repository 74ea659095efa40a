import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Authenticator } from '../../src/api/identity/identity.js';
import { createNoauthAuthenticator } from '../../src/api/identity/noauth.js';
import type { Trusts } from '../../src/api/ports.js';
import type { Database } from '../../src/storage/database.js';
import { DatabaseUnavailable } from '../../src/storage/engine/outage.js';
import { MEMBER, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { failing, type FailingDatabase } from '../support/failing-database.js';
import { describeWithPostgres } from '../support/servers.js';

const OWNER: Caller = { ...MEMBER, 'x-auth-token': 'token-of-u1' };
const BODY = thresholdBody({ alarm_actions: ['trust+http://heat:8080/v1/p1/signal'] });

const withToken: Authenticator = async (credentials) => {
  const token = credentials.headers['x-auth-token'];
  return { ...(await createNoauthAuthenticator()(credentials)), ...(typeof token === 'string' && { token }) };
};

describe('on the embedded database', () => trusts(embeddedDatabase));
describeWithPostgres('on PostgreSQL', () => trusts(serverDatabase));

function trusts(open: () => Promise<Database>): void {
  let db: FailingDatabase;
  let api: TestApi;
  /** The ids of the trusts at Keystone. */
  const atKeystone = new Set<string>();
  let made: number;
  /** Keystone answers when it resolves. */
  let answers: Promise<void>;

  beforeAll(async () => {
    db = failing(await open());
  });
  beforeEach(async () => {
    db.heal();
    await empty(db);
    atKeystone.clear();
    made = 0;
    answers = Promise.resolve();
    const keystone: Trusts = {
      async create() {
        const id = `trust ${(made += 1)}`;
        atKeystone.add(id);
        await answers;
        return id;
      },
      async remove(id) {
        atKeystone.delete(id);
      },
    };
    api = await startApi(db, { trusts: keystone, authenticate: withToken });
  });
  afterEach(() => api.close());
  afterAll(() => db.close());

  const create = (key: string): Promise<Answered> =>
    api.ask('POST', '/v2/alarms', { as: OWNER, headers: { 'idempotency-key': key }, body: BODY });
  const alarms = async (): Promise<string[]> =>
    (await db.query<{ id: string }>('select id from alarms')).rows.map(({ id }) => id);

  test('an alarm with trust+ actions is created once, with one trust', async () => {
    const [first, repeat] = [await create('k'), await create('k')];
    expect([first.status, repeat.status, repeat.text]).toEqual([201, 201, first.text]);
    expect([made, atKeystone.size]).toEqual([1, 1]);
  });

  test('while Keystone makes the trust, no transaction waits for it: other requests are answered', async () => {
    let go: () => void = () => undefined;
    answers = new Promise((resolve) => (go = resolve));
    const created = create('k');
    await eventually(() => expect(made).toBe(1));
    expect(db.statements.filter((text) => text.includes('pg_try_advisory_xact_lock'))).toEqual([]);
    expect((await api.ask('GET', '/v2/alarms', { as: OWNER })).status).toBe(200);
    go();
    expect((await created).status).toBe(201);
  });

  test.each([
    { when: 'before the alarm is stored', text: /insert into alarms/ },
    { when: 'after the alarm is stored, so that it is rolled back', text: /insert into idempotency_keys/ },
  ])('if the database fails $when, the trust is removed, and a repeat creates the alarm', async ({ text }) => {
    db.failAt(text, new DatabaseUnavailable(new Error('the connection broke')));
    expect((await create('k')).status).toBe(503);
    expect([made, atKeystone.size, await alarms()]).toEqual([1, 0, []]);
    db.heal();
    expect((await create('k')).status).toBe(201);
    expect([atKeystone.size, (await alarms()).length]).toEqual([1, 1]);
  });

  test('of two requests at once with a trust each, one creates the alarm, and the other trust is removed', async () => {
    let go: () => void = () => undefined;
    answers = new Promise((resolve) => (go = resolve));
    const both = [create('k'), create('k')];
    await eventually(() => expect(made).toBe(2));
    go();
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses).toContain(201);
    expect([201, 409]).toEqual(expect.arrayContaining(statuses));
    await eventually(() => expect(atKeystone.size).toBe(1));
    expect(await alarms()).toHaveLength(1);
    expect((await create('k')).headers['idempotency-replayed']).toBe('true');
  });
}

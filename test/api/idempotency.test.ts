import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { MOST_KEYS } from '../../src/api/http/idempotency.js';
import { apiRoutes } from '../../src/api/api-routes.js';
import type { Database } from '../../src/storage/database.js';
import { DatabaseUnavailable } from '../../src/storage/engine/outage.js';
import { createIdempotencyStore, pruneIdempotencyKeys } from '../../src/storage/idempotency/idempotency-store.js';
import { createSealer } from '../../src/storage/secrets/sealed.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { failing, type FailingDatabase } from '../support/failing-database.js';
import { TEST_SEALER } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';

const DAY_MS = 86_400_000;
const SILENCE = {
  matchers: [{ field: 'name', value: 'x' }],
  ends_at: '2026-01-02T00:00:00Z',
  reason: 'work',
  owner: 'u1',
};
const EVENTS = [
  {
    event_type: 'compute.x',
    message_id: 'e1',
    generated: '2026-01-01T00:00:00',
    traits: [['project_id', 1, 'p1']],
    raw: {},
    message_signature: '',
  },
];
const TESTED_DRAFT = {
  alarm: thresholdBody({ alarm_actions: ['http://h:8080/x'] }),
  confirm: 'cpu high',
  state: 'alarm',
};
const sample = (resource: string): Record<string, unknown> => ({
  counter_name: 'cpu',
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: resource,
});

describe('on the embedded database', () => idempotency(embeddedDatabase));
describeWithPostgres('on PostgreSQL', () => idempotency(serverDatabase));

function idempotency(open: () => Promise<Database>): void {
  let db: FailingDatabase;
  let api: TestApi;

  beforeAll(async () => {
    db = failing(await open());
    api = await startApi(db);
  });
  beforeEach(async () => {
    db.heal();
    await empty(db);
  });
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  interface Keyed {
    key: string;
    body?: unknown;
    as?: Caller;
  }
  const post = (path: string, { key, body, as = MEMBER }: Keyed): Promise<Answered> =>
    api.ask('POST', path, { as, headers: { 'idempotency-key': key }, ...(body === undefined ? {} : { body }) });
  const find = (key: string, route: string, sealer = TEST_SEALER) =>
    createIdempotencyStore(db, sealer).find(
      db,
      { projectId: 'p1', userId: 'u1', route: `POST ${route}`, key },
      api.clock.now(),
    );
  const count = async (table: string): Promise<number> =>
    (await db.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]?.n ?? -1;

  test.each<[string, string, unknown, Caller]>([
    ['alarms', '/v2/alarms', thresholdBody({ alarm_actions: ['http://user:pw@h:8080/x'] }), MEMBER],
    ['silences', '/v1/silences', SILENCE, MEMBER],
    ['quotas', '/v2/quotas', { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 5 }] }, ADMIN],
    ['samples', '/v2/meters/cpu', [sample('r1'), sample('r2')], MEMBER],
    ['events', '/v2/events', EVENTS, MEMBER],
  ])('a repeat of a request that makes %s gets the first answer and makes none', async (table, path, body, as) => {
    const key = randomUUID();
    const first = await post(path, { key, body, as });
    expect([first.fault, first.headers['idempotency-replayed']]).toEqual([undefined, undefined]);
    const made = await count(table);
    const repeat = await post(path, { key, body, as });
    expect([repeat.status, repeat.text]).toEqual([first.status, first.text]);
    expect(repeat.headers).toMatchObject({
      'idempotency-replayed': 'true',
      'content-type': first.headers['content-type'],
    });
    for (const name of ['location', 'etag']) expect(repeat.headers[name]).toBe(first.headers[name]);
    expect([made > 0, await count(table)]).toEqual([true, made]);
  });

  test('the same request without the key, or of another project, user or route, is carried out again', async () => {
    const body = thresholdBody();
    await post('/v2/alarms', { key: 'k', body });
    const others = [
      await api.ask('POST', '/v2/alarms', { as: MEMBER, body }),
      await post('/v2/alarms', { key: 'l', body }),
      await post('/v2/alarms', { key: 'k', body, as: { ...MEMBER, 'x-project-id': 'p2' } }),
      await post('/v2/alarms', { key: 'k', body, as: { ...MEMBER, 'x-user-id': 'u9' } }),
      await post('/v1/silences', { key: 'k', body: SILENCE }),
    ];
    expect(others.map(({ status, headers }) => [status, headers['idempotency-replayed']])).toEqual(
      others.map(() => [201, undefined]),
    );
  });

  test.each([
    ['with another role', { 'x-roles': 'admin' }],
    ['with more roles, of which the highest is another', { 'x-roles': 'member,admin' }],
  ])('a repeat of the same user %s is refused with 422: its answer could be another', async (_, roles) => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const repeat = await post('/v2/alarms', { key: 'k', body: thresholdBody(), as: { ...MEMBER, ...roles } });
    expect([repeat.status, repeat.fault]).toEqual([422, expect.stringContaining('another role')]);
    expect(await count('alarms')).toBe(1);
  });

  test('a key of another request is refused with 422 and changes nothing', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const other = await post('/v2/alarms', { key: 'k', body: thresholdBody({ name: 'other' }) });
    expect([other.status, other.fault]).toEqual([422, expect.stringContaining('use a new key')]);
    expect(await count('alarms')).toBe(1);
  });

  test.each([
    ['empty', ['']],
    ['longer than 255 characters', ['k'.repeat(256)]],
    ['not printable ASCII', ['k\u00e9y']],
    ['repeated', ['k', 'l']],
  ])('a key that is %s is refused with 400', async (_, keys) => {
    const headers = { 'idempotency-key': keys } as unknown as Record<string, string>;
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, headers, body: thresholdBody() });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('1 to 255 printable ASCII')]);
    expect(await count('alarms')).toBe(0);
  });

  interface Refusal {
    status: number;
    path?: string;
    body?: object | null;
    /** Makes the request fail so. */
    fails?: { at: RegExp; failure: Error };
  }
  const NO_DATABASE = new DatabaseUnavailable(new Error('the connection broke'));
  test.each<Refusal>([
    { status: 400, body: thresholdBody({ severity: 'none such' }) },
    { status: 401, body: thresholdBody({ project_id: 'p2' }) },
    { status: 403, path: '/v1/api-keys', body: { role: 'admin', description: 'mine' } },
    { status: 404, path: '/v1/receivers/none/secrets', body: {} },
    { status: 409, path: '/v1/receivers', body: { origin: 'https://hooks.example.com' } },
    { status: 400, path: '/v2/events', body: [{ event_type: 'e' }] },
    { status: 400, path: '/v1/alarms/test-fire', body: { alarm: thresholdBody(), confirm: 'another name' } },
    { status: 404, path: '/v1/alarms/none/test-fire', body: { confirm: 'cpu high' } },
    { status: 400, path: '/v1/notifications/replay?status=none', body: null },
    { status: 500, body: thresholdBody(), fails: { at: /insert into alarms/, failure: new TypeError('a bug') } },
    { status: 503, body: thresholdBody(), fails: { at: /insert into alarms/, failure: NO_DATABASE } },
    { status: 503, path: '/v2/events', body: EVENTS, fails: { at: /insert into events/, failure: NO_DATABASE } },
  ])('a refusal or failure is not kept, and its key is free: %j', async ({ status, path = '/v2/alarms', ...given }) => {
    const { body, fails } = given;
    await api.ask('POST', '/v1/receivers', { as: MEMBER, body: { origin: 'https://hooks.example.com' } });
    if (fails) db.failAt(fails.at, fails.failure);
    const request = { key: 'k', ...(body && { body }) };
    const answers = [await post(path, request), await post(path, request)];
    expect(answers.map((answer) => [answer.status, answer.headers['idempotency-replayed']])).toEqual([
      [status, undefined],
      [status, undefined],
    ]);
    expect(await count('idempotency_keys')).toBe(0);
  });

  test.each<[string, unknown, Caller]>([
    ['/v2/alarms', thresholdBody({ severity: 'none such' }), MEMBER],
    ['/v1/silences', { ...SILENCE, ends_at: '2025-01-01T00:00:00Z' }, MEMBER],
    ['/v2/quotas', { project_id: 'p1', quotas: 'none such' }, ADMIN],
    ['/v2/meters/cpu', [...Array.from({ length: 300 }, (_, at) => sample(`r${at}`)), { counter_name: 'cpu' }], MEMBER],
    ['/v1/api-keys', { role: 'none such' }, MEMBER],
    ['/v1/receivers', { origin: 'none such' }, MEMBER],
  ])('POST %s checks the request before its transaction begins', async (path, body, as) => {
    const { status } = await post(path, { key: 'k', body, as });
    expect([400, 404]).toContain(status);
    expect(db.statements.filter((text) => text.includes('pg_try_advisory_xact_lock'))).toEqual([]);
  });

  test('two alarms that are created at once with keys, when a quota first applies, wait for each other', async () => {
    await api.ask('POST', '/v2/quotas', { body: { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 9 }] } });
    const counting = db.holdAt(/start_counting/);
    const both = ['k', 'l'].map((key) => post('/v2/alarms', { key, body: thresholdBody() }));
    const counts = (): number => db.statements.filter((text) => text.includes('start_counting')).length;
    // A deadlock if both kept their writes.
    if (db.kind === 'postgres') await eventually(() => expect(counts()).toBe(2));
    counting.now();
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([201, 201]);
    expect((await db.query('select kind, id, alarms from alarm_counts')).rows).toEqual([
      { kind: 'project', id: 'p1', alarms: 2 },
    ]);
  });

  test('of two requests at once, one is carried out, and the other is told to wait or gets its answer', async () => {
    const insertion = db.holdAt(/insert into alarms/);
    const body = thresholdBody();
    const first = post('/v2/alarms', { key: 'k', body });
    if (db.kind === 'postgres') {
      await eventually(async () => {
        const { status, fault, headers } = await post('/v2/alarms', { key: 'k', body: { ...body } });
        expect([status, fault, headers['retry-after']]).toEqual([409, expect.stringContaining('still running'), '1']);
      });
    }
    const second = db.kind === 'pglite' ? post('/v2/alarms', { key: 'k', body }) : undefined;
    insertion.now();
    db.heal();
    expect([(await first).status, (await second)?.status ?? 201]).toEqual([201, 201]);
    expect((await post('/v2/alarms', { key: 'k', body })).headers['idempotency-replayed']).toBe('true');
    expect(await count('alarms')).toBe(1);
  });

  test.each<[string, string, string, unknown]>([
    ['API key', 'api_keys', '/v1/api-keys', { role: 'reader', description: 'mine' }],
    ['signing secret', 'signing_secrets', '/v1/receivers/RECEIVER/secrets', {}],
  ])('the answer with a new %s is not kept: a repeat makes none and is told so', async (_, table, route, body) => {
    const receiver = { as: MEMBER, body: { origin: 'https://hooks.example.com' } };
    const { id } = (await api.ask('POST', '/v1/receivers', receiver)).json<{ id: string }>();
    const path = route.replace('RECEIVER', id);
    const before = await count(table);
    expect((await post(path, { key: 'k', body })).status).toBe(201);
    const repeat = await post(path, { key: 'k', body });
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('secret that is shown once')]);
    expect(await count(table)).toBe(before + 1);
    const { answer } = (await find('k', route.replace('RECEIVER', ':id'))) ?? {};
    expect(answer).toMatchObject({ status: 201, content: undefined });
  });

  test('secrets of actions in kept answers are sealed, and so is the hash of the request', async () => {
    const body = thresholdBody({ alarm_actions: ['http://user:password@h:8080/x'] });
    await post('/v2/alarms', { key: 'k', body });
    const { rows } = await db.query<{ answer: string; hash: string }>(
      'select answer, request_hash as hash from idempotency_keys',
    );
    const sealed = expect.stringContaining(TEST_SEALER.currentPrefix ?? '?');
    expect(rows).toEqual([{ answer: sealed, hash: sealed }]);
  });

  test('an answer whose sealing key is not configured any more is not shown, and nothing is made again', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const other = createSealer({ current: Buffer.alloc(32, 8), previous: [] });
    expect(await find('k', '/v2/alarms', other)).toMatchObject({
      requestHash: undefined,
      answer: { status: 201, content: undefined },
    });
    const forged = other.seal('x', { table: 't', rowId: 'r', projectId: 'p1' });
    await db.query('update idempotency_keys set request_hash = $1, answer = $1', [forged]);
    const repeat = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('not configured any more')]);
    expect(await count('alarms')).toBe(1);
  });

  test('a long answer is sent whole and is not kept: a repeat stores nothing and is told so', async () => {
    const body = Array.from({ length: 500 }, (_, at) => sample(`r${at}`));
    const first = await post('/v2/meters/cpu', { key: 'k', body });
    expect([first.status, first.json<unknown[]>().length]).toEqual([201, 500]);
    const repeat = await post('/v2/meters/cpu', { key: 'k', body });
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('too long')]);
    expect(await count('samples')).toBe(500);
  });

  test.each([new TypeError('a bug'), NO_DATABASE])(
    'a request that failed with %s is carried out when it is repeated',
    async (failure) => {
      db.failAt(/insert into alarms/, failure);
      const failed = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
      db.heal();
      const repeat = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
      expect(failed.status).toBe(failure === NO_DATABASE ? 503 : 500);
      expect([repeat.status, repeat.headers['idempotency-replayed']]).toEqual([201, undefined]);
      expect(await count('alarms')).toBe(1);
    },
  );

  test('a caller who has lost the role does not get the answer any more', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const reader = { ...MEMBER, 'x-roles': 'reader' };
    expect((await post('/v2/alarms', { key: 'k', body: thresholdBody(), as: reader })).status).toBe(403);
  });

  const trail = async (action: string): Promise<unknown[]> =>
    (await api.ask('GET', `/v1/audit?action=${action}&outcome=done`, { as: ADMIN })).json<unknown[]>();

  test('a repeat has no entry of its own in the audit trail', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    expect(await trail('alarm.create')).toHaveLength(1);
  });

  test.each([
    ['alarm.create', '/v2/alarms', thresholdBody(), 201],
    ['api_key.create', '/v1/api-keys', { role: 'reader', description: 'mine' }, 409],
    ['alarm.test_fire', '/v1/alarms/test-fire', TESTED_DRAFT, 200],
  ])(
    'the entry %s whose process died before it was stored is stored by a repeat',
    async (action, path, body, status) => {
      await post(path, { key: 'k', body });
      const entries = await trail(action);
      expect(entries).toHaveLength(1);
      await db.query('delete from audit_entries');
      expect((await post(path, { key: 'k', body })).status).toBe(status);
      expect(await trail(action)).toEqual(entries);
    },
  );

  test('a run in several transactions that died is repeated if that does nothing twice', async () => {
    const body = EVENTS;
    await post('/v2/events', { key: 'k', body });
    await db.query('update idempotency_keys set status = null, answer = null, running_until = $1', [
      new Date(api.clock.now().getTime() + 60_000),
    ]);
    const early = await post('/v2/events', { key: 'k', body });
    expect([early.status, early.headers['retry-after']]).toEqual([409, '1']);
    await db.query('update idempotency_keys set running_until = $1', [api.clock.now()]);
    expect((await post('/v2/events', { key: 'k', body })).json()).toMatchObject({ received: 1, duplicates: 1 });
    expect((await post('/v2/events', { key: 'k', body })).headers['idempotency-replayed']).toBe('true');
  });

  test('a run with effects outside of one transaction that died is not repeated, and the client is told', async () => {
    const id = await api.create(thresholdBody({ alarm_actions: ['http://h/x'] }), MEMBER);
    const body = { confirm: 'cpu high', state: 'alarm' };
    const first = await post(`/v1/alarms/${id}/test-fire`, { key: 'k', body });
    expect([first.status, await count('notifications')]).toEqual([200, 1]);
    expect((await post(`/v1/alarms/${id}/test-fire`, { key: 'k', body })).text).toBe(first.text);
    await db.query('update idempotency_keys set status = null, running_until = $1', [api.clock.now()]);
    const repeat = await post(`/v1/alarms/${id}/test-fire`, { key: 'k', body });
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('may have been carried out in part')]);
    expect(await count('notifications')).toBe(1);
  });

  test('a project that has used too many keys gets 429, and others do not', async () => {
    await db.query(
      `insert into idempotency_keys (project_id, user_id, route, key, request_hash, made_at, status)
       select 'p1', 'u1', 'r', n::text, '', $1::timestamptz, 201 from generate_series(1, $2::int) n`,
      [api.clock.now(), MOST_KEYS],
    );
    const full = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    expect([full.status, full.fault, full.headers['retry-after']]).toEqual([
      429,
      expect.stringContaining('without that header'),
      '3600',
    ]);
    const refused = await post('/v2/alarms', { key: 'l', body: thresholdBody({ severity: 'none such' }) });
    expect([refused.status, await count('idempotency_keys')]).toEqual([400, MOST_KEYS]);
    const other = await post('/v2/alarms', {
      key: 'k',
      body: thresholdBody(),
      as: { ...MEMBER, 'x-project-id': 'p2' },
    });
    expect([other.status, await count('alarms')]).toEqual([201, 1]);
    // They are deleted within an hour after a day, or later if no evaluator runs.
    await db.query('update idempotency_keys set made_at = $1', [new Date(api.clock.now().getTime() - DAY_MS)]);
    expect((await post('/v2/alarms', { key: 'k', body: thresholdBody() })).status).toBe(201);
  });

  test('a key is free again after a day, and its row is deleted', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    await db.query('update idempotency_keys set made_at = $1', [new Date(api.clock.now().getTime() - DAY_MS)]);
    expect((await post('/v2/alarms', { key: 'k', body: thresholdBody({ name: 'next' }) })).status).toBe(201);
    expect(await pruneIdempotencyKeys(db, api.clock.now(), 10)).toBe(0);
    expect(await pruneIdempotencyKeys(db, new Date(api.clock.now().getTime() + DAY_MS), 10)).toBe(1);
  });

  test('reads and sign-in ignore the header', async () => {
    for (const status of [200, 200])
      expect((await post('/v2/query/alarms', { key: 'k', body: {} })).status).toBe(status);
    expect(await count('idempotency_keys')).toBe(0);
  });
}

test('every POST that creates or does something takes a key', () => {
  const deps = new Proxy(
    { apiKeys: {}, authMode: 'noauth' },
    {
      get: (known, name): unknown => (Reflect.get(known, name) as unknown) ?? {},
    },
  );
  const unkeyed = apiRoutes(deps as never)
    .filter(({ method, policy, keyed }) => method === 'POST' && policy !== 'reader' && keyed === undefined)
    .map(({ path }) => path);
  // The first two change nothing. The answer to a sign-in is a secret of one browser.
  expect(unkeyed.sort()).toEqual(['/v1/alarms/values', '/v1/session', '/v2/alarms/backtest']);
});

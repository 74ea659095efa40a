import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { MOST_KEYS } from '../../src/api/http/idempotency.js';
import { apiRoutes } from '../../src/api/api-routes.js';
import type { Database } from '../../src/storage/database.js';
import { pruneIdempotencyKeys } from '../../src/storage/idempotency/idempotency-store.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
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
  let db: Database;
  let api: TestApi;
  /** Delays each statement that matches. */
  let held: { at: RegExp; until: Promise<void> } | undefined;

  beforeAll(async () => {
    db = await open();
    const hold = async (text: string): Promise<void> => (held?.at.test(text) ? held.until : undefined);
    const slow: Database = {
      kind: db.kind,
      place: db.place,
      async query(text, parameters, options) {
        await hold(text);
        return db.query(text, parameters, options);
      },
      transaction: (work) =>
        db.transaction((tx) =>
          work({
            async query(text, parameters, options) {
              await hold(text);
              return tx.query(text, parameters, options);
            },
          }),
        ),
      close: () => db.close(),
    };
    api = await startApi(slow);
  });
  beforeEach(async () => {
    held = undefined;
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

  test('a refusal is kept, and a repeat is refused alike', async () => {
    const body = thresholdBody({ severity: 'none such' });
    const first = await post('/v2/alarms', { key: 'k', body });
    const repeat = await post('/v2/alarms', { key: 'k', body });
    expect(first.status).toBe(400);
    expect([repeat.status, repeat.text, repeat.headers['tocsin-field']]).toEqual([
      400,
      first.text,
      first.headers['tocsin-field'],
    ]);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
  });

  test('of two requests at once, one is carried out, and the other is told to wait or gets its answer', async () => {
    let go: () => void = () => undefined;
    held = { at: /insert into alarms/, until: new Promise((resolve) => (go = resolve)) };
    const body = thresholdBody();
    const first = post('/v2/alarms', { key: 'k', body });
    if (db.kind === 'postgres') {
      await eventually(async () => {
        const { status, fault, headers } = await post('/v2/alarms', { key: 'k', body: { ...body } });
        expect([status, fault, headers['retry-after']]).toEqual([409, expect.stringContaining('still running'), '1']);
      });
    }
    const second = db.kind === 'pglite' ? post('/v2/alarms', { key: 'k', body }) : undefined;
    go();
    held = undefined;
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
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('shows a secret once')]);
    expect(await count(table)).toBe(before + 1);
    const { rows } = await db.query('select status, answer from idempotency_keys');
    expect(rows).toEqual([{ status: 201, answer: null }]);
  });

  test('secrets of actions in kept answers are sealed', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody({ alarm_actions: ['http://user:password@h:8080/x'] }) });
    const { rows } = await db.query<{ answer: string }>('select answer from idempotency_keys');
    expect(rows.map(({ answer }) => answer.includes('password'))).toEqual([false]);
  });

  test('a long answer is sent whole and is not kept: a repeat stores nothing and is told so', async () => {
    const body = Array.from({ length: 500 }, (_, at) => sample(`r${at}`));
    const first = await post('/v2/meters/cpu', { key: 'k', body });
    expect([first.status, first.json<unknown[]>().length]).toEqual([201, 500]);
    const repeat = await post('/v2/meters/cpu', { key: 'k', body });
    expect([repeat.status, repeat.fault]).toEqual([409, expect.stringContaining('too long')]);
    expect(await count('samples')).toBe(500);
  });

  test('a request that was answered 500 or 503 is carried out when it is repeated', async () => {
    held = { at: /insert into alarms/, until: Promise.reject(new TypeError('a bug')) };
    held.until.catch(() => undefined);
    const failed = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    held = undefined;
    const repeat = await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    expect([failed.status, repeat.status, repeat.headers['idempotency-replayed']]).toEqual([500, 201, undefined]);
    expect(await count('alarms')).toBe(1);
  });

  test('a caller who has lost the role does not get the answer any more', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const reader = { ...MEMBER, 'x-roles': 'reader' };
    expect((await post('/v2/alarms', { key: 'k', body: thresholdBody(), as: reader })).status).toBe(403);
  });

  test('a repeat has no entry of its own in the audit trail', async () => {
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    await post('/v2/alarms', { key: 'k', body: thresholdBody() });
    const trail = await api.ask('GET', '/v1/audit?action=alarm.create&outcome=done', { as: ADMIN });
    expect(trail.json<unknown[]>()).toHaveLength(1);
  });

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
    const other = await post('/v2/alarms', {
      key: 'k',
      body: thresholdBody(),
      as: { ...MEMBER, 'x-project-id': 'p2' },
    });
    expect([other.status, await count('alarms')]).toEqual([201, 1]);
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

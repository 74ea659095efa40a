import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  MEMBER,
  startApi,
  STRANGER,
  thresholdBody,
  type Answered,
  type Caller,
  type TestApi,
} from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase } from '../support/databases.js';
import { A_BODY, storeNotification } from '../support/stored-notifications.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
  const later = new Date(NOON.getTime() + 61_250);
  await storeNotification(db, { id: 'tried', projectId: 'p1', status: 'delivered', attempt: 2, finishedAt: later });
  await storeNotification(db, { id: 'waiting', projectId: 'p1', alarmId: 'b' });
  await db.query(
    `insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error)
     values ('tried', 2, $2, 31, 'delivered', 204, null), ('tried', 1, $1, 15000, 'retry', null, 'timeout')`,
    [NOON, later],
  );
});
afterAll(async () => {
  await api.close();
  await db.close();
});

test('GET /v1/notifications/{id} shows the notification of the list and its attempts, in their order', async () => {
  const [, listed] = (await api.ask('GET', '/v1/notifications', { as: MEMBER })).json<Record<string, unknown>[]>();
  const attempts = (await api.ask('GET', '/v1/notifications/tried/attempts', { as: MEMBER })).json<unknown[]>();
  const shown = await api.ask('GET', '/v1/notifications/tried', { as: MEMBER });
  expect(shown.status).toBe(200);
  expect(shown.json()).toEqual({ ...listed, attempt_list: attempts });
  expect(listed).toMatchObject({ notification_id: 'tried', attempts: 2, status: 'delivered' });
  expect(attempts).toEqual([
    {
      attempt: 1,
      started_at: '2026-01-01T12:00:00Z',
      duration_ms: 15_000,
      outcome: 'retry',
      http_status: null,
      error: 'timeout',
      answer: null,
    },
    {
      attempt: 2,
      started_at: '2026-01-01T12:01:01.250000Z',
      duration_ms: 31,
      outcome: 'delivered',
      http_status: 204,
      error: null,
      answer: null,
    },
  ]);
});

test.each([
  ['an admin', { ...ADMIN, 'x-project-id': 'p1' }, 'unreadable_answer: it is HTTP/2'],
  ['another', MEMBER, 'connect_failed'],
])('what a port speaks that is not HTTP is shown to %s as %3$s', async (_, as, shown) => {
  await storeNotification(db, { id: 'odd', projectId: 'p1', alarmId: 'odd', status: 'dead', finishedAt: NOON });
  await db.query(
    `with told as (update notifications set last_error = $1 where id = 'odd')
     insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error)
     values ('odd', 1, $2, 1, 'dead', null, $1)`,
    ['unreadable_answer: it is HTTP/2', NOON],
  );
  const one = (await api.ask('GET', '/v1/notifications/odd', { as })).json<{ attempt_list: { error: string }[] }>();
  const [listed] = (await api.ask('GET', '/v1/notifications?alarm_id=odd', { as })).json<{ last_error: string }[]>();
  expect([one, listed]).toMatchObject([{ last_error: shown, attempt_list: [{ error: shown }] }, { last_error: shown }]);
  await db.query(`delete from notifications where id = 'odd'`);
});

test('a notification without an attempt has an empty list of attempts', async () => {
  const shown = await api.ask('GET', '/v1/notifications/waiting', { as: MEMBER });
  expect(shown.json()).toMatchObject({ attempts: 0, attempt_list: [] });
});

test('GET /v1/notifications/{id} does not find a notification of another project, or an unknown one', async () => {
  for (const [id, as] of [
    ['tried', STRANGER],
    ['nothing', MEMBER],
    ['attempts', MEMBER],
    ['%00', MEMBER],
  ] as const) {
    expect([id, (await api.ask('GET', `/v1/notifications/${id}`, { as })).status]).toEqual([id, 404]);
  }
  expect((await api.ask('GET', '/v1/notifications/tried')).status).toBe(200); // an admin
  expect((await api.ask('GET', '/v1/notifications/replay')).status).toBe(405);
});

test(
  'every time below /v1 ends in Z and names the right moment; ' + 'the body of a notification does not change',
  async () => {
    await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER });
    const key = await api.ask('POST', '/v1/api-keys', { as: MEMBER, body: { expires_in: 60 } });
    await api.ask('DELETE', `/v1/api-keys/${key.json<{ id: string }>().id}`, { as: MEMBER });
    const paths = [
      'notifications',
      'notifications/tried',
      'notifications/tried/attempts',
      'delivery-pauses',
      'api-keys',
    ];
    const found: string[] = [];
    for (const path of paths) {
      const answer = await api.ask('GET', `/v1/${path}`, { as: MEMBER });
      expect(answer.text.includes('"body"')).toBe(answer.text.includes(A_BODY));
      const times = [...answer.text.replaceAll(A_BODY, '').matchAll(/"(\w+)": "(\d{4}-\d\d-\d\dT[^"]*)"/g)];
      expect([path, times.length > 0]).toEqual([path, true]);
      for (const [, name, text = ''] of times) {
        expect([path, name, text]).toEqual([
          path,
          name,
          expect.stringMatching(/^2026-01-01T12:0[01]:\d\d(?:\.\d{6})?Z$/),
        ]);
        found.push(name ?? '');
      }
    }
    const names = [
      'created_at',
      'expires_at',
      'finished_at',
      'next_attempt_at',
      'paused_at',
      'revoked_at',
      'started_at',
    ];
    expect([...new Set(found)].sort()).toEqual([...names, 'transition_time']);
  },
);

test('GET /v1/delivery-pauses shows until when the limit of notifications an hour holds', async () => {
  const hour = 'insert into notification_hours (project_id, since, sent, limited_at) values ($1, $2, 1, $3)';
  for (const [project, limitedAt] of [
    ['p1', NOON],
    ['p2', NOON],
    ['p3', null],
  ]) {
    // prettier-ignore
    await db.query(hour, [project, new Date(NOON.getTime() - 60_000), limitedAt]);
  }
  await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER });
  const endless = { ends_at: null, reason: null, paused_by: null };
  const limited = { project_id: 'p1', paused_at: '2026-01-01T12:00:00Z', until: '2026-01-01T12:59:00Z', ...endless };
  const list = async (as: Caller): Promise<unknown> => (await api.ask('GET', '/v1/delivery-pauses', { as })).json();
  const paused = { ...limited, paused_at: expect.any(String), paused_by: 'u1', until: null };
  expect(await list(MEMBER)).toEqual([paused, limited]);
  expect(await list(ADMIN)).toMatchObject([{ until: null }, limited, { ...limited, project_id: 'p2' }]);
  await api.ask('DELETE', '/v1/delivery-pauses/p1', { as: MEMBER });
  expect(await list(MEMBER)).toEqual([limited]);
});

test.each(['2026-01-01T11:00:00', '2026-01-01T11:00:00Z', '2026-01-01T12:00:00+01:00'])(
  'below /v2 a time is taken as %s and answered without its Z, as in Aodh',
  async (timestamp) => {
    const sample = {
      counter_name: 'cpu',
      counter_type: 'gauge',
      counter_unit: '%',
      counter_volume: 1,
      resource_id: 'r',
      timestamp,
    };
    const stored = await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [sample] });
    expect(stored.json()).toMatchObject([{ timestamp: '2026-01-01T11:00:00' }]);
    const id = await api.create(thresholdBody(), MEMBER);
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json()).toMatchObject({
      timestamp: '2026-01-01T12:00:00',
    });
  },
);

describe('PUT /v1/delivery-pauses/{project}', () => {
  const put = (body?: object, as = MEMBER, project = 'p1'): Promise<Answered> =>
    api.ask('PUT', `/v1/delivery-pauses/${project}`, { as, body });
  const pauses = async (as = MEMBER): Promise<unknown[]> =>
    (await api.ask('GET', '/v1/delivery-pauses', { as }))
      .json<{ until: string | null }[]>()
      .filter(({ until }) => until === null);
  beforeEach(async () => {
    await db.query('delete from delivery_pauses');
  });

  test('pauses with an end and a reason, and the list shows who paused, why and until when', async () => {
    const body = { ends_at: '2030-01-01T12:00:00+02:00', reason: 'maintenance' };
    expect((await put(body)).status).toBe(204);
    const paused = { project_id: 'p1', ends_at: '2030-01-01T10:00:00Z', reason: 'maintenance', paused_by: 'u1' };
    expect(await pauses()).toMatchObject([paused]);
    expect(await pauses(STRANGER)).toEqual([]);
  });

  test('of all projects is shown to each project, with its reason', async () => {
    await put({ reason: 'upgrade' }, ADMIN, '*');
    expect(await pauses(STRANGER)).toMatchObject([{ project_id: '*', reason: 'upgrade', paused_by: 'root' }]);
  });

  test('changes the end and the reason of a pause, and keeps its start', async () => {
    await put({ ends_at: '2030-01-01T12:00:00Z', reason: 'maintenance' });
    const [first] = await pauses();
    await api.clock.advance(1_000);
    await put();
    expect(await pauses()).toEqual([{ ...(first as object), ends_at: null, reason: null }]);
  });

  test('a pause that has ended is not shown, and a new one begins with its request', async () => {
    const at = (ms: number): string => new Date(api.clock.now().getTime() + ms).toISOString();
    await put({ ends_at: at(1_000) });
    await api.clock.advance(1_000);
    expect(await pauses()).toEqual([]);
    await put({ ends_at: at(1_000) });
    const shown = (await pauses()) as { paused_at: string }[];
    expect(shown.map(({ paused_at }) => new Date(paused_at))).toEqual([api.clock.now()]);
  });

  test.each([
    ['an end in the past', { ends_at: '2020-01-01T00:00:00Z' }, /ends_at.*in the future/],
    ['an end that is no time', { ends_at: 'tomorrow' }, /ends_at.*Unknown string format/],
    ['a reason that is too long', { reason: 'x'.repeat(256) }, /reason.*255/],
    ['an unknown field', { until: '2030-01-01T00:00:00Z' }, /Unknown attribute.*until/],
  ])('refuses %s', async (_, body, fault) => {
    const given = await put(body);
    expect([given.status, given.fault]).toEqual([400, expect.stringMatching(fault)]);
    expect(await pauses()).toEqual([]);
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { anyDatabase, empty } from '../support/databases.js';
import { storeNotifications, type StoredNotification } from '../support/stored-notifications.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
});
// Receivers are kept for two seconds.
beforeEach(async () => {
  await empty(db);
  api = await startApi(db);
});
afterEach(() => api.close());
afterAll(() => db.close());

const DEAD = { status: 'dead', attempt: 11, finishedAt: new Date(NOON.getTime() - 1_000) } as const;
const stored = (...given: Partial<StoredNotification>[]): Promise<void> =>
  storeNotifications(
    db,
    given.map((each, index) => ({ id: `n${index}`, queue: String(index), projectId: 'p1', ...each })),
  );
interface Receivers {
  receivers: { host: string; dead: number }[];
}
const hostsAt = async (as: typeof MEMBER, search = ''): Promise<unknown> =>
  (await api.ask('GET', `/v1/notifications/receivers${search}`, { as }))
    .json<Receivers>()
    .receivers.map(({ host }) => host);

test('GET /v1/notifications/receivers counts pending, failing and dead notifications', async () => {
  await stored({}, { attempt: 1 }, DEAD, { ...DEAD, host: 'other:80' });
  await db.query(`update notifications set last_error = 'unreadable_answer: it is HTTP/2' where id = 'n1'`);
  const answer = await api.ask('GET', '/v1/notifications/receivers', { as: READER });
  expect(answer.json()).toMatchObject({
    receivers: [
      {
        host: 'receiver:80',
        pending: 2,
        failing: 1,
        in_flight: 0,
        dead: 1,
        oldest_pending_at: '2026-01-01T12:00:00Z',
        last_error: 'connect_failed',
        projects: 1,
        is_complete: true,
      },
      { host: 'other:80', pending: 0, dead: 1, oldest_pending_at: null },
    ],
    total: 2,
    is_complete: true,
    counted_at: '2026-01-01T12:00:00Z',
  });
  const forAdmin = (await api.ask('GET', '/v1/notifications/receivers', { as: ADMIN })).text;
  expect(forAdmin).toContain('"unreadable_answer: it is HTTP/2"');
});

test('only admins see the receivers of another project, and may name one project', async () => {
  await stored(DEAD, { ...DEAD, projectId: 'p2', host: 'theirs:80' });
  expect(await hostsAt(MEMBER)).toEqual(['receiver:80']);
  expect(await hostsAt(STRANGER)).toEqual(['theirs:80']);
  expect(await hostsAt(ADMIN)).toEqual(['receiver:80', 'theirs:80']);
  expect(await hostsAt(ADMIN, '?project_id=p2')).toEqual(['theirs:80']);
  const refused = await api.ask('GET', '/v1/notifications/receivers?project_id=p1', { as: STRANGER });
  expect([refused.status, refused.text.includes('receiver')]).toEqual([401, false]);
});

test('many requests at once share one count of receivers, which is kept for two seconds', async () => {
  await stored(DEAD);
  expect(await hostsAt(MEMBER)).toEqual(['receiver:80']);
  await db.query('delete from notifications');
  expect(await hostsAt(MEMBER)).toEqual(['receiver:80']);
  expect(await hostsAt(MEMBER, '?limit=1')).toEqual(['receiver:80']);
  await api.clock.advance(2_001);
  expect(await hostsAt(MEMBER)).toEqual([]);
});

test('a preview of a replay says how many would be sent and to which receivers, and sends nothing', async () => {
  await stored(DEAD, { ...DEAD, host: 'other:80' }, { ...DEAD, host: 'other:80' }, { ...DEAD, projectId: 'p2' });
  const answer = await api.ask('GET', '/v1/notifications/replay/preview', { as: READER });
  const preview = {
    notifications: 3,
    removed: 0,
    is_complete: true,
    receivers: [
      { host: 'other:80', notifications: 2 },
      { host: 'receiver:80', notifications: 1 },
    ],
    ended_before: '2026-01-01T12:00:00Z',
  };
  expect(answer.json()).toEqual(preview);
  const replay = '/v1/notifications/replay?host=other:80&ended_before=2026-01-01T12:00:00Z';
  expect((await api.ask('POST', replay, { as: READER })).status).toBe(403);
  expect((await api.ask('POST', replay, { as: MEMBER })).json()).toEqual({
    replayed: 2,
    notification_ids: expect.arrayContaining(['n1', 'n2']) as unknown,
    removed: 0,
    has_more: false,
    ended_before: '2026-01-01T12:00:00Z',
  });
});

test('a project has at most four previews under way', async () => {
  await stored(DEAD);
  const [held, locked] = [gate(), gate()];
  const holding = db.transaction(async (tx) => {
    await tx.query('lock table notifications in access exclusive mode');
    locked.open();
    await held.opened;
  });
  await locked.opened;
  const asked = Array.from({ length: 5 }, () => api.ask('GET', '/v1/notifications/replay/preview', { as: READER }));
  expect((await Promise.race(asked)).status).toBe(429);
  held.open();
  await holding;
  expect((await Promise.all(asked)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429]);
});

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test.each([
  ['failing=true', ['n1']],
  ['failing=true&status=dead', []],
  ['failing=false', ['n0', 'n1', 'n2']],
  ['status=pending', ['n0', 'n1']],
  ['kind=repeat', ['n2']],
  ['host=receiver:80&since=2026-01-01T12:00:00Z', ['n0', 'n1', 'n2']],
  ['until=2026-01-01T12:00:00Z', []],
])('GET /v1/notifications?%s lists %j', async (search, expected) => {
  await stored({}, { attempt: 1 }, { ...DEAD, kind: 'repeat' });
  for (const as of [MEMBER, ADMIN]) {
    const answer = await api.ask('GET', `/v1/notifications?${search}`, { as });
    const ids = answer.json<{ notification_id: string }[]>().map(({ notification_id }) => notification_id);
    expect(ids.sort()).toEqual(expected);
  }
});

test('an admin lists and replays the notifications of one project, and a member of another one may not', async () => {
  await stored(DEAD, { ...DEAD, projectId: 'p2' });
  const listed = await api.ask('GET', '/v1/notifications?project_id=p2', { as: ADMIN });
  expect(listed.json()).toMatchObject([{ notification_id: 'n1' }]);
  const replay = '/v1/notifications/replay?project_id=p2';
  expect((await api.ask('POST', replay, { as: MEMBER })).status).toBe(401);
  expect((await api.ask('POST', replay, { as: ADMIN })).json()).toMatchObject({ replayed: 1 });
});

test.each([
  ['GET', '/v1/notifications?failing=perhaps', 'failing'],
  ['GET', '/v1/notifications?kind=none', 'kind'],
  ['GET', '/v1/notifications/receivers?limit=101', 'limit'],
  ['GET', '/v1/notifications/replay/preview?status=late', 'status'],
  ['POST', '/v1/notifications/replay?since=yesterday', 'since'],
])('%s %s is answered 400, and the answer names the parameter', async (method, path, name) => {
  const answer = await api.ask(method, path, { as: MEMBER });
  expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(`field/attribute ${name}`)]);
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { anyDatabase, empty } from '../support/databases.js';
import { storeNotification } from '../support/stored-notifications.js';

let db: Database;
let api: TestApi;
let alarmId: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(async () => {
  await empty(db);
  alarmId = await api.create(thresholdBody(), MEMBER);
  await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [SAMPLE] });
  await storeNotification(db, {
    id: 'n1',
    alarmId,
    projectId: 'p1',
    status: 'dead',
    finishedAt: new Date(NOON.getTime() - 1),
  });
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const SAMPLE = { counter_type: 'gauge', counter_unit: '%', counter_volume: 1, resource_id: 'r1' };
const NO_ROLE: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1' };
const OTHER_ROLE: Caller = { ...NO_ROLE, 'x-roles': 'auditor' };
const HOMELESS: Caller = { 'x-user-id': 'u1', 'x-roles': 'member' };
const SEVERAL: Caller = { ...NO_ROLE, 'x-roles': 'Reader, MEMBER' };
const CAPITALS: Caller = { ...ADMIN, 'x-roles': 'Admin' };

/** Statuses for each caller: no role, other role, no project, reader, member, two roles, admin, other project. */
const CALLERS = [NO_ROLE, OTHER_ROLE, HOMELESS, READER, MEMBER, SEVERAL, CAPITALS, STRANGER];
/** A caller without a project sees no alarm. This is checked before the role. */
const READ_OWN = [403, 403, 404, 200, 200, 200, 200, 404];
/** Where the role comes first: routes that Aodh does not have. */
const READ_OURS = [403, 403, 403, 200, 200, 200, 200, 404];
const READ_LIST = [403, 403, 403, 200, 200, 200, 200, 200];

interface Row {
  method: string;
  path: string;
  body?: unknown;
  expected: number[];
}

const writes = (ok: number, stranger: number): number[] => [403, 403, 403, 403, ok, ok, ok, stranger];
const writesOwn = (ok: number): number[] => [403, 403, 404, 403, ok, ok, ok, 404];

const ROWS: Row[] = [
  { method: 'GET', path: '/v2/alarms', expected: READ_LIST },
  { method: 'POST', path: '/v2/alarms', body: thresholdBody(), expected: writes(201, 201) },
  { method: 'GET', path: '/v2/alarms/:id', expected: READ_OWN },
  { method: 'PUT', path: '/v2/alarms/:id', body: thresholdBody(), expected: writesOwn(200) },
  { method: 'GET', path: '/v2/alarms/:id/state', expected: READ_OWN },
  { method: 'PUT', path: '/v2/alarms/:id/state', body: 'ok', expected: writesOwn(200) },
  { method: 'GET', path: '/v2/alarms/:id/history', expected: READ_OWN },
  {
    method: 'GET',
    path: '/v2/alarms?q.field=all_projects&q.value=true',
    expected: [403, 403, 403, 403, 403, 403, 200, 403],
  },
  {
    method: 'GET',
    path: '/v2/alarms?q.field=project_id&q.value=p1',
    expected: [403, 403, 403, 200, 200, 200, 200, 401],
  },
  {
    method: 'GET',
    path: '/v2/alarms/:id/history?q.field=project_id&q.value=p1',
    expected: [403, 403, 404, 200, 200, 200, 200, 404],
  },
  { method: 'GET', path: '/v2/meters', expected: READ_LIST },
  {
    method: 'GET',
    path: '/v2/meters?q.field=project_id&q.value=p1',
    expected: [403, 403, 403, 200, 200, 200, 200, 401],
  },
  { method: 'POST', path: '/v2/meters/cpu', body: [SAMPLE], expected: writes(201, 201) },
  { method: 'POST', path: '/v2/meters/cpu', body: [{ ...SAMPLE, project_id: 'p1' }], expected: writes(201, 401) },
  { method: 'GET', path: '/v2/meters/cpu', expected: READ_LIST },
  {
    method: 'GET',
    path: '/v2/meters/cpu?q.field=project&q.value=p1',
    expected: [403, 403, 403, 200, 200, 200, 200, 401],
  },
  { method: 'GET', path: '/v2/meters/cpu/statistics', expected: READ_LIST },
  {
    method: 'GET',
    path: '/v2/meters/cpu/statistics?q.field=project_id&q.value=p1',
    expected: [403, 403, 403, 200, 200, 200, 200, 401],
  },
  { method: 'GET', path: '/v2/resources', expected: READ_LIST },
  { method: 'GET', path: '/v2/resources/r1', expected: READ_OURS },
  { method: 'GET', path: '/v1/notifications', expected: READ_LIST },
  { method: 'GET', path: '/v1/notifications/n1', expected: READ_OURS },
  { method: 'GET', path: '/v1/notifications/n1/attempts', expected: READ_OURS },
  { method: 'POST', path: '/v1/notifications/replay', expected: writes(202, 202) },
  { method: 'GET', path: '/v1/stream', expected: READ_LIST },
  {
    method: 'GET',
    path: '/v1/stream?project_id=p1',
    expected: [403, 403, 403, 200, 200, 200, 200, 401],
  },
  { method: 'GET', path: '/v1/silences', expected: READ_LIST },
  { method: 'GET', path: '/v1/delivery-pauses', expected: READ_LIST },
  { method: 'PUT', path: '/v1/delivery-pauses/p1', expected: writes(204, 404) },
  { method: 'DELETE', path: '/v1/delivery-pauses/p1', expected: writes(204, 404) },
  { method: 'PUT', path: '/v1/delivery-pauses/*', expected: [403, 403, 403, 403, 403, 403, 204, 403] },
  { method: 'GET', path: '/', expected: CALLERS.map(() => 200) },
  { method: 'GET', path: '/healthcheck', expected: CALLERS.map(() => 200) },
  { method: 'GET', path: '/livez', expected: CALLERS.map(() => 200) },
  { method: 'GET', path: '/livez?verbose', expected: CALLERS.map(() => 200) },
  { method: 'GET', path: '/readyz', expected: CALLERS.map(() => 200) },
];

test.each(ROWS)(
  '$method $path is answered by role and owner with $expected',
  async ({ method, path, body, expected }) => {
    const answers = [];
    for (const as of CALLERS) answers.push(await api.ask(method, path.replace(':id', alarmId), { as, body }));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    for (const { status, fault } of answers) if (status === 403) expect(fault).toBe('RBAC Authorization Failed');
  },
);

test.each([
  { method: 'DELETE', path: '/v2/alarms/:id', ok: 204 },
  { method: 'POST', path: '/v1/notifications/n1/replay', ok: 202 },
])('$method $path works once, and not for strangers and readers', async ({ method, path, ok }) => {
  const statuses = [];
  for (const as of [NO_ROLE, READER, STRANGER, MEMBER]) {
    statuses.push((await api.ask(method, path.replace(':id', alarmId), { as })).status);
  }
  expect(statuses).toEqual([403, 403, 404, ok]);
});

test('others see an alarm exactly as one that never was', async () => {
  for (const path of ['', '/state', '/history']) {
    const foreign = await api.ask('GET', `/v2/alarms/${alarmId}${path}`, { as: STRANGER });
    const absent = await api.ask('GET', `/v2/alarms/never${path}`, { as: STRANGER });
    expect(foreign.text.replace(alarmId, 'never')).toBe(absent.text);
  }
});

describe('the order of refusals', () => {
  test.each([
    {
      when: 'a bad body comes before the role',
      method: 'POST',
      path: '/v2/alarms',
      as: NO_ROLE,
      raw: '{',
      status: 400,
    },
    {
      when: 'a bad body comes before a missing alarm',
      method: 'PUT',
      path: '/v2/alarms/never',
      as: MEMBER,
      raw: '{}',
      status: 400,
    },
    {
      when: "a bad body comes before another's alarm",
      method: 'PUT',
      path: '/v2/alarms/:id',
      as: STRANGER,
      raw: '{}',
      status: 400,
    },
    {
      when: 'a missing alarm comes before the role',
      method: 'DELETE',
      path: '/v2/alarms/never',
      as: NO_ROLE,
      status: 404,
    },
    {
      when: 'where Aodh has no such route, the role comes first',
      method: 'POST',
      path: '/v2/meters/cpu',
      as: READER,
      raw: '{',
      status: 403,
    },
  ])('$when', async ({ method, path, status, ...asked }) => {
    expect((await api.ask(method, path.replace(':id', alarmId), asked)).status).toBe(status);
  });
});

test('without any identity header the caller is the admin of the project default', async () => {
  const answer = await api.ask('POST', '/v2/alarms', { as: {}, body: thresholdBody({ alarm_actions: ['log://'] }) });
  expect(answer.json()).toMatchObject({ project_id: 'default', user_id: 'default' });
});

test.each(['x-project-id', 'x-user-id'])('an %s that is longer than any id is refused', async (header) => {
  const answer = await api.ask('POST', '/v2/alarms', {
    as: { ...MEMBER, [header]: 'x'.repeat(129) },
    body: thresholdBody(),
  });
  expect([answer.status, answer.fault]).toEqual([400, 'Ids of users and projects have at most 128 characters']);
});

describe('a stranger sees nothing of others', () => {
  test.each([
    '/v2/alarms',
    '/v2/alarms?q.field=all_projects&q.value=false',
    '/v2/alarms?q.field=all_projects&q.value=0',
    '/v2/meters',
    '/v2/meters/cpu',
    '/v2/meters/cpu?limit=0',
    '/v2/meters/cpu/statistics',
    '/v2/meters/cpu/statistics?groupby=project_id',
    '/v2/resources',
    '/v2/resources?q.field=resource_id&q.value=r1',
    '/v1/notifications',
    '/v1/notifications?status=dead',
    '/v1/delivery-pauses',
  ])('in %s', async (path) => {
    await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER });
    expect((await api.ask('GET', path, { as: STRANGER })).text).toBe('[]');
    expect((await api.ask('GET', path, { as: MEMBER })).json<unknown[]>().length).toBe(1);
  });

  test('and can neither replay them nor use them as a marker', async () => {
    expect((await api.ask('POST', '/v1/notifications/replay', { as: STRANGER })).json()).toMatchObject({ replayed: 0 });
    expect((await api.ask('GET', '/v1/notifications?marker=n1', { as: STRANGER })).fault).toBe('Marker n1 not found.');
    expect((await api.ask('POST', '/v1/notifications/replay', { as: MEMBER })).json()).toMatchObject({ replayed: 1 });
  });

  test.each([
    'q.field=project_id&q.value=p1&q.field=project_id&q.value=p2',
    'q.field=project_id&q.value=p2&q.field=project_id&q.value=p1',
    'q.field=all_projects&q.value=false&q.field=all_projects&q.value=true',
    'q.field=Project_id&q.value=p1',
    'q.field=project_id&q.op=ne&q.value=p2',
    'q.field[]=project_id&q.value[]=p1',
    'project_id=p1',
    'q.field=project&q.value=p1',
    'q[0].field=project_id&q[0].value=p2&q.field=project_id&q.value=p1',
  ])('by the trick of %s', async (query) => {
    expect((await api.ask('GET', `/v2/alarms?${query}`, { as: STRANGER })).status).toBe(400);
  });
});

test.each([
  ['an admin', 'admin', [403, 403, 403, 200]],
  ['a reader', 'reader', [403, 404, 403, 200]],
])('%s of the whole system, and of no project, may do nothing', async (_, roles, expected) => {
  const as = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': roles, 'openstack-system-scope': 'all' };
  const paths = ['/v2/alarms', `/v2/alarms/${alarmId}`, '/v2/quotas?project_id=p1', '/v2/capabilities'];
  const answers = [];
  for (const path of paths) answers.push(await api.ask('GET', path, { as }));
  expect(answers.map(({ status }) => status)).toEqual(expected);
});

describe('where a request comes from', () => {
  test.each([
    ['localhost', 200],
    ['localhost:9', 200],
    ['127.0.0.1', 200],
    ['127.9.9.9:8042', 200],
    ['[::1]:8042', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['10.0.0.1', 403],
    ['user@localhost', 403],
  ])('Host %s is answered with %i', async (host, status) => {
    for (const path of ['/', '/v2/alarms', '/livez']) {
      const answer = await api.ask('GET', path, { as: {}, headers: { host } });
      expect(answer.status).toBe(status);
      if (status === 403) expect(answer.fault).toBe('The Host header does not name this machine');
    }
  });

  test.each([
    ['http://evil.example', 403],
    ['null', 403],
    ['http://localhost:1', 403],
    ['file://', 403],
  ])('a page of origin %s is answered with %i', async (origin, status) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: {}, body: thresholdBody(), headers: { origin } });
    expect([answer.status, answer.fault]).toEqual([status, 'Requests from pages of another origin are refused']);
  });

  test('a page of our own is answered, and nothing invites others', async () => {
    const answer = await api.ask('GET', '/v2/alarms', { as: {}, headers: { origin: api.url } });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

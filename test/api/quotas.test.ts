import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;
let limited: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
  limited = await startApi(db, { alarmQuotas: { project: 2, user: 3 } });
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await limited.close();
  await db.close();
});

const NO_ROLE: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1' };
const HOMELESS: Caller = { 'x-user-id': 'u1', 'x-roles': 'member' };
const SYSTEM_ADMIN: Caller = { 'x-user-id': 'root', 'x-roles': 'admin' };
const CALLERS = [NO_ROLE, HOMELESS, READER, MEMBER, STRANGER, ADMIN];

const quotaOf = (project: string, limit: unknown) => ({ project_id: project, quotas: [{ resource: 'alarms', limit }] });
const set = (project: string, limit: number) => api.ask('POST', '/v2/quotas', { body: quotaOf(project, limit) });
const statusOfCreate = async (as: Caller, on: TestApi = api): Promise<number> =>
  (await on.ask('POST', '/v2/alarms', { as, body: thresholdBody() })).status;

describe('access to quotas', () => {
  const OWN = [403, 403, 200, 200, 403, 200];
  const EVERYBODYS = [403, 403, 200, 200, 200, 200];
  const ADMINS = (status: number): number[] => [403, 403, 403, 403, 403, status];
  test.each([
    { method: 'GET', path: '/v2/quotas', expected: EVERYBODYS },
    { method: 'GET', path: '/v2/quotas/', expected: EVERYBODYS },
    { method: 'GET', path: '/v2/quotas?project_id=p1', expected: OWN },
    { method: 'GET', path: '/v2/quotas/p1', expected: OWN },
    { method: 'POST', path: '/v2/quotas', body: quotaOf('p1', 5), expected: ADMINS(201) },
    { method: 'DELETE', path: '/v2/quotas/p1', expected: ADMINS(204) },
    { method: 'DELETE', path: '/v2/quotas?project_id=p1', expected: ADMINS(204) },
    { method: 'PUT', path: '/v2/quotas', expected: CALLERS.map(() => 405) },
    { method: 'GET', path: '/v2/capabilities', expected: CALLERS.map(() => 200) },
  ])('$method $path is answered with $expected', async ({ method, path, body, expected }) => {
    const answers = [];
    for (const as of CALLERS) answers.push(await api.ask(method, path, { as, body }));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    for (const { status, fault } of answers) if (status === 403) expect(fault).toBe('RBAC Authorization Failed');
  });
});

describe('GET /v2/quotas', () => {
  test('shows the configured quota for a project without its own, and changes nothing', async () => {
    expect((await api.ask('GET', '/v2/quotas', { as: MEMBER })).json()).toEqual(quotaOf('p1', -1));
    expect((await limited.ask('GET', '/v2/quotas', { as: MEMBER })).json()).toEqual(quotaOf('p1', 2));
    expect((await db.query('select * from quotas')).rows).toEqual([]);
    expect(await statusOfCreate(MEMBER)).toBe(201);
  });

  test.each([
    '/v2/quotas?project_id=p1',
    '/v2/quotas/p1',
    '/v2/quotas/p1/',
    '/v2/quotas?project_id=p1&bogus=1&limit=x',
  ])('%s shows the quota of that project and ignores other parameters', async (path) => {
    await set('p1', 7);
    expect((await api.ask('GET', path)).text).toBe(
      '{"project_id": "p1", "quotas": [{"resource": "alarms", "limit": 7}]}',
    );
  });

  test('an empty project_id is the caller’s own', async () => {
    expect((await api.ask('GET', '/v2/quotas?project_id=', { as: MEMBER })).json()).toEqual(quotaOf('p1', -1));
  });

  test('an admin without a project must name one', async () => {
    const answer = await api.ask('GET', '/v2/quotas', { as: SYSTEM_ADMIN });
    expect([answer.status, answer.fault]).toEqual([400, 'Missing argument: "project_id"']);
    expect((await api.ask('GET', '/v2/quotas?project_id=p1', { as: SYSTEM_ADMIN })).status).toBe(200);
  });
});

describe('setting and removing quotas', () => {
  test('a quota is made and changed, and removed as often as one likes', async () => {
    expect((await set('p1', 5)).json()).toEqual(quotaOf('p1', 5));
    expect((await set('p1', -1)).json()).toEqual(quotaOf('p1', -1));
    for (let times = 0; times < 2; times += 1) {
      const answer = await api.ask('DELETE', '/v2/quotas/p1');
      expect([answer.status, answer.text]).toEqual([204, '']);
    }
    expect((await limited.ask('GET', '/v2/quotas/p1')).json()).toEqual(quotaOf('p1', 2));
  });

  test.each([{ project_id: 'p1' }, { project_id: 'p1', quotas: [] }, { project_id: 'p1', quotas: null }])(
    '%j changes nothing and is answered with what there is',
    async (body) => {
      expect((await api.ask('POST', '/v2/quotas', { body })).json()).toEqual({ project_id: 'p1', quotas: [] });
      await set('p1', 5);
      const answer = await api.ask('POST', '/v2/quotas', { body });
      expect([answer.status, answer.json()]).toEqual([201, quotaOf('p1', 5)]);
    },
  );

  test('of two limits for the same the later one holds', async () => {
    const quotas = [4, 6].map((limit) => ({ resource: 'alarms', limit }));
    expect((await api.ask('POST', '/v2/quotas', { body: { project_id: 'p1', quotas } })).json()).toEqual(
      quotaOf('p1', 6),
    );
  });

  test.each([
    [
      { ...quotaOf('p1', 1), quotas: [{ resource: 'servers', limit: 1 }] },
      'resource',
      'servers',
      'Value should be one of: alarms',
    ],
    [{ ...quotaOf('p1', 1), quotas: [{ limit: 1 }] }, 'resource', 'None', 'Mandatory field missing.'],
    [quotaOf('p1', -2), 'limit', '-2', 'Value should be greater or equal to -1'],
    [quotaOf('p1', 2 ** 31), 'limit', '2147483648', 'Value should be lower or equal to 2147483647'],
    [quotaOf('p1', 'x'), 'limit', 'x', "invalid literal for int() with base 10: 'x'"],
    [{ project_id: 'p1', quotas: [{ resource: 'alarms' }] }, 'limit', 'None', 'Mandatory field missing.'],
    [{ quotas: [] }, 'project_id', 'None', 'Mandatory field missing.'],
    [{ project_id: null }, 'project_id', 'None', 'Mandatory field missing.'],
    [{ project_id: 'p1', quotas: 'x' }, 'quotas', 'x', 'Value not a valid list: x'],
    [
      { project_id: 'p'.repeat(129) },
      'project_id',
      'p'.repeat(129),
      'Value should have a maximum character requirement of 128',
    ],
    [[], 'body', '[]', 'Wrong type. Expected an object, got a list'],
    [null, 'body', 'None', 'Wrong type. Expected an object, got None'],
  ])('%j is refused, at %s', async (body, field, value, message) => {
    const answer = await api.ask('POST', '/v2/quotas', { body });
    const text = `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;
    expect([answer.status, answer.fault]).toEqual([400, text]);
    expect((await db.query('select * from quotas')).rows).toEqual([]);
  });

  test.each([
    ['POST', '/v2/quotas', { raw: '' }, 'Missing argument: "body"'],
    ['POST', '/v2/quotas', { raw: '{' }, 'Request is not in valid JSON format'],
    ['POST', '/v2/quotas', { body: { project_id: 'p1', zzz: 1 } }, 'Unknown attribute for argument body: zzz'],
    [
      'POST',
      '/v2/quotas',
      { body: { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 1, zz: 1 }] } },
      'Unknown attribute for argument body.quotas: zz',
    ],
    ['DELETE', '/v2/quotas', {}, 'Missing argument: "project_id"'],
    ['DELETE', '/v2/quotas/', {}, 'Missing argument: "project_id"'],
    ['DELETE', '/v2/quotas/p1?bogus=1', {}, 'Unknown argument: "bogus"'],
    ['GET', '/v2/capabilities?bogus=1', {}, 'Unknown argument: "bogus"'],
  ])('%s %s with %j is refused', async (method, path, asked, fault) => {
    const answer = await api.ask(method, path, asked);
    expect([answer.status, answer.fault]).toEqual([400, fault]);
  });

  test('an invalid body is refused before a missing role', async () => {
    expect((await api.ask('POST', '/v2/quotas', { as: MEMBER, body: quotaOf('p1', -2) })).status).toBe(400);
    expect((await api.ask('DELETE', '/v2/quotas', { as: MEMBER })).status).toBe(400);
  });
});

describe('alarms over the quota', () => {
  test('are refused to all callers, admins too, by the quota of the project that would own them', async () => {
    await set('p1', 1);
    expect(await statusOfCreate(MEMBER)).toBe(201);
    const own = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody() });
    expect([own.status, own.fault]).toEqual([403, 'Alarm quota exceeded for user u1 on project p1']);
    const body = thresholdBody({ project_id: 'p1', user_id: 'u9' });
    const admins = await api.ask('POST', '/v2/alarms', { as: ADMIN, body });
    expect([admins.status, admins.fault]).toEqual([403, 'Alarm quota exceeded for user u9 on project p1']);
    expect([await statusOfCreate(ADMIN), await statusOfCreate(STRANGER)]).toEqual([201, 201]);
  });

  test.each([
    { limit: 0, statuses: [403, 403, 403] },
    { limit: 2, statuses: [201, 201, 403] },
    { limit: -1, statuses: [201, 201, 201] },
  ])('a limit of $limit answers three creates with $statuses', async ({ limit, statuses }) => {
    await set('p1', limit);
    expect([await statusOfCreate(MEMBER), await statusOfCreate(MEMBER), await statusOfCreate(MEMBER)]).toEqual(
      statuses,
    );
  });

  test(
    'the configured limits hold for projects and users; a ' + 'project’s own quota wins over the former only',
    async () => {
      const member2: Caller = { ...MEMBER, 'x-project-id': 'p2' };
      expect([await statusOfCreate(MEMBER, limited), await statusOfCreate(MEMBER, limited)]).toEqual([201, 201]);
      expect(await statusOfCreate(MEMBER, limited)).toBe(403);
      expect([await statusOfCreate(member2, limited), await statusOfCreate(member2, limited)]).toEqual([201, 403]);
      await set('p2', -1);
      expect(await statusOfCreate(member2, limited)).toBe(403);
      expect(await statusOfCreate(STRANGER, limited)).toBe(201);
    },
  );

  test('a change of an alarm is no new alarm', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await set('p1', 0);
    expect(
      (await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ name: 'other' }) })).status,
    ).toBe(200);
  });
});

test('the capabilities are those of an Aodh with everything', async () => {
  for (const path of ['/v2/capabilities', '/v2/capabilities/']) {
    expect((await api.ask('GET', path, { as: NO_ROLE })).text).toBe(
      '{"api": {"alarms:history:query:complex": true, ' +
        '"alarms:history:query:simple": true, "alarms:query:complex": true, ' +
        '"alarms:query:simple": true}, "alarm_storage": {"storage:production_ready": true}}',
    );
  }
});

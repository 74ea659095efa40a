import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createApiKeyAuthenticator } from '../../src/api/identity/api-key.js';
import { generateApiKey } from '../../src/api/identity/api-key-form.js';
import { OPERATIONS } from '../../src/api/openapi/operations.js';
import { silentLogger } from '../../src/logger.js';
import { ROLES } from '../../src/role.js';
import type { Database } from '../../src/storage/database.js';
import { createApiKeyStore } from '../../src/storage/secrets/api-key-store.js';
import { MEMBER, startApi, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { storeNotification } from '../support/stored-notifications.js';

/**
 * Every route × every role × whose object it is: what is expected is worked out from one row per route, and a route
 * without a row fails.
 */

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { countsResults: true });
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
  const sizes = `${Object.keys(ROWS).length} routes × ${credentials} credentials`;
  process.stderr.write(`matrix: ${sizes}, ${answers.asExpected} answers as expected, ${answers.others} others\n`);
});

const answers = { asExpected: 0, others: 0 };
/** Counts an answer for the report. */
function counted(isExpected: boolean): boolean {
  answers[isExpected ? 'asExpected' : 'others'] += 1;
  return isExpected;
}

type Role = 'none' | 'other' | 'reader' | 'member' | 'admin';
const RANK: Record<Role, number> = { none: 0, other: 0, reader: 1, member: 2, admin: 3 };
const NEEDED = { reader: 1, member: 2, admin: 3 } as const;
type Needed = keyof typeof NEEDED;

interface Who {
  role: Role;
  /** Null: a token without a project. */
  project: 'own' | 'another' | null;
}

const CALLERS: Who[] = (['none', 'other', 'reader', 'member', 'admin'] as const).flatMap((role) =>
  (['own', 'another', null] as const).map((project) => ({ role, project })),
);

let credentials = CALLERS.length;

/** The object belongs to project p1, is missing, or the route has none. */
type Target = 'present' | 'missing' | 'none';

interface Row {
  /** Status for this caller. */
  expected: (who: Who, target: Target) => number;
  targets: readonly Target[];
  /** Creates the object of the request and returns the parameters of its path. */
  given?: () => Promise<Record<string, string>>;
  body?: unknown;
  search?: string;
}

const enough = ({ role, project }: Who, needed: Needed): boolean =>
  RANK[role] >= NEEDED[needed] && (role === 'admin' || project !== null);
const sees = ({ role, project }: Who): boolean => role === 'admin' || project === 'own';

/** All callers, also without an identity. */
const open = (ok = 200): Row => ({ expected: () => ok, targets: ['none'] });
/** Only the role decides; the answer holds data of the caller's project. */
const byRole = (needed: Needed, ok: number, more: Partial<Row> = {}): Row => ({
  expected: (who) => (enough(who, needed) ? ok : 403),
  targets: ['none'],
  ...more,
});
/** As `byRole`, of the caller's own project; an admin without one has to name a project. */
const ofAProject = (needed: Needed, ok: number, more: Partial<Row> = {}): Row => ({
  expected: (who) => (!enough(who, needed) ? 403 : who.project === null ? 400 : ok),
  targets: ['none'],
  ...more,
});
/** As Aodh: first 404 for an object that the caller cannot see, then the role. */
const visibleFirst = (needed: Needed, ok: number, more: Partial<Row>): Row => ({
  expected: (who, target) => (target === 'missing' || !sees(who) ? 404 : enough(who, needed) ? ok : 403),
  targets: ['present', 'missing'],
  ...more,
});
/** Routes below /v1: first the role, then 404 for an object that the caller cannot see. */
const roleFirst = (needed: Needed, ok: number, more: Partial<Row>): Row => ({
  expected: (who, target) => (!enough(who, needed) ? 403 : target === 'missing' || !sees(who) ? 404 : ok),
  targets: ['present', 'missing'],
  ...more,
});

const anAlarm = async (): Promise<Record<string, string>> => ({ id: await api.create(thresholdBody(), MEMBER) });
async function aNotification(): Promise<Record<string, string>> {
  const id = randomUUID();
  const alarmId = await api.create(thresholdBody(), MEMBER);
  await storeNotification(db, { id, alarmId, projectId: 'p1', status: 'dead' });
  return { id };
}
async function aKey(): Promise<Record<string, string>> {
  const answer = await api.ask('POST', '/v1/api-keys', { as: MEMBER, body: {} });
  return { id: answer.json<{ id: string }>().id };
}
const SILENCE = {
  matchers: [{ field: 'name', value: '*' }],
  ends_at: '2099-01-01T12:00:00Z',
  reason: 'maintenance',
  owner: 'operators',
};
async function aSilence(): Promise<Record<string, string>> {
  const answer = await api.ask('POST', '/v1/silences', { as: MEMBER, body: SILENCE });
  return { id: answer.json<{ id: string }>().id };
}
const RECEIVER = { origin: 'https://hooks.example.com' };
/** With a signing secret. Each caller gets a new one. */
async function aReceiver(): Promise<Record<string, string>> {
  await db.query('delete from receivers');
  const { id = '' } = (await api.ask('POST', '/v1/receivers', { as: MEMBER, body: RECEIVER })).json<{ id?: string }>();
  const made = await api.ask('POST', `/v1/receivers/${id}/secrets`, { as: MEMBER });
  return { id, secret: made.json<{ id: string }>().id };
}
const noReceiver = async (): Promise<Record<string, string>> => {
  await db.query('delete from receivers');
  return {};
};
async function aResource(): Promise<Record<string, string>> {
  await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [SAMPLE] });
  return { resource: 'r1' };
}
const BACKTEST = { alarm: thresholdBody(), start: '2026-01-01T11:00:00', stop: '2026-01-01T11:10:00' };
/** An alarm with an action, whose test nobody sends: it is cancelled at once. */
const withAction = thresholdBody({ alarm_actions: ['http://receiver.example.com/'] });
const aTestedAlarm = async (): Promise<Record<string, string>> => ({ id: await api.create(withAction, MEMBER) });
const CONFIRMED = { confirm: 'cpu high' };
const SAMPLE = { counter_type: 'gauge', counter_unit: '%', counter_volume: 1, resource_id: 'r1' };
const aMeter = (): Promise<Record<string, string>> => Promise.resolve({ meter: 'cpu' });
const theProject = (): Promise<Record<string, string>> =>
  Promise.resolve({ project: 'p1', project_id: 'p1', id: 'p1' });

const ROWS: Record<string, Row> = {
  'GET /': open(),
  'GET /healthcheck': open(),
  'GET /livez': open(),
  'GET /readyz': open(),
  'GET /metrics': open(),
  'GET /openapi.json': open(),
  'GET /docs': open(),
  'GET /docs/:file': { ...open(), given: () => Promise.resolve({ file: 'start.js' }) },
  'GET /console': open(),
  'GET /console/:folder/:file': {
    ...open(),
    given: () => Promise.resolve({ folder: 'packages', file: 'preact.js' }),
  },

  'GET /v2/alarms': byRole('reader', 200),
  'POST /v2/alarms': byRole('member', 201, { body: thresholdBody() }),
  'GET /v2/alarms/:id': visibleFirst('reader', 200, { given: anAlarm }),
  'PUT /v2/alarms/:id': visibleFirst('member', 200, { given: anAlarm, body: thresholdBody() }),
  'DELETE /v2/alarms/:id': visibleFirst('member', 204, { given: anAlarm }),
  'GET /v2/alarms/:id/state': visibleFirst('reader', 200, { given: anAlarm }),
  'PUT /v2/alarms/:id/state': visibleFirst('member', 200, { given: anAlarm, body: 'ok' }),
  'GET /v2/alarms/:id/history': visibleFirst('reader', 200, { given: anAlarm }),
  'GET /v2/alarms/:id/explain': visibleFirst('reader', 200, { given: anAlarm }),
  'POST /v2/alarms/backtest': byRole('member', 200, { body: BACKTEST }),
  'GET /v1/alarms': byRole('reader', 200),
  'GET /v1/alarms/counts': byRole('reader', 200),
  'GET /v1/transitions': byRole('reader', 200),
  'GET /v1/alarms/:id/values': roleFirst('reader', 200, {
    given: anAlarm,
    search: '?start=2026-01-01T11:00:00Z&stop=2026-01-01T11:10:00Z',
  }),
  'POST /v1/alarms/values': byRole('member', 200, { body: BACKTEST }),
  'POST /v1/alarms/latest-values': byRole('reader', 200, { body: { ids: ['never'] } }),
  'POST /v2/query/alarms': byRole('reader', 200, { body: {} }),
  'POST /v2/query/alarms/history': byRole('reader', 200, { body: {} }),
  'GET /v2/capabilities': open(),
  'GET /v1/alarm-schema': open(),
  'GET /v2/quotas': ofAProject('reader', 200),
  'GET /v2/quotas/:id': {
    expected: (who) => (enough(who, 'reader') && sees(who) ? 200 : 403),
    targets: ['present'],
    given: theProject,
  },
  'POST /v2/quotas': byRole('admin', 201, { body: { project_id: 'p1', quotas: [] } }),
  'DELETE /v2/quotas/:id': byRole('admin', 204, { given: theProject }),
  'DELETE /v2/quotas': byRole('admin', 204, { search: '?project_id=p1' }),
  'GET /v2/metrics': byRole('reader', 200),
  'GET /v1/session': open(),
  // Without authentication there is no session to begin or to end.
  'POST /v1/session': { ...open(400), body: { api_key: 'any' } },
  'DELETE /v1/session': open(404),
  'GET /v1/cluster': byRole('admin', 200),
  'GET /v1/audit': byRole('admin', 200),
  'POST /v2/events': byRole('member', 200, { body: [] }),

  'GET /v2/meters': byRole('reader', 200),
  'GET /v2/meters/:meter': byRole('reader', 200, { given: aMeter }),
  'POST /v2/meters/:meter': byRole('member', 201, { given: aMeter, body: [SAMPLE] }),
  'GET /v2/meters/:meter/statistics': byRole('reader', 200, { given: aMeter }),
  'GET /v2/resources': byRole('reader', 200),
  'GET /v1/meters': byRole('reader', 200),
  'GET /v1/resources': byRole('reader', 200),
  'GET /v2/resources/:resource': roleFirst('reader', 200, { given: aResource }),

  'GET /v1/notifications': byRole('reader', 200),
  'GET /v1/notifications/receivers': byRole('reader', 200),
  'GET /v1/notifications/replay/preview': byRole('reader', 200),
  'GET /v1/notifications/:id': roleFirst('reader', 200, { given: aNotification }),
  'GET /v1/notifications/:id/attempts': roleFirst('reader', 200, { given: aNotification }),
  'POST /v1/alarms/:id/test-fire': roleFirst('member', 200, { given: aTestedAlarm, body: CONFIRMED }),
  'POST /v1/alarms/test-fire': byRole('member', 200, { body: { alarm: withAction, ...CONFIRMED } }),
  'POST /v1/notifications/replay': byRole('member', 202),
  'POST /v1/notifications/:id/replay': roleFirst('member', 202, { given: aNotification }),
  'GET /v1/stream': byRole('reader', 200),
  'GET /v1/delivery-pauses': byRole('reader', 200),
  'PUT /v1/delivery-pauses/:project': { ...roleFirst('member', 204, { given: theProject }), targets: ['present'] },
  'DELETE /v1/delivery-pauses/:project': { ...roleFirst('member', 204, { given: theProject }), targets: ['present'] },

  'GET /v1/silences': byRole('reader', 200),
  'POST /v1/silences': ofAProject('member', 201, { body: SILENCE }),
  'POST /v1/silences/preview': ofAProject('reader', 200, { body: SILENCE }),
  'GET /v1/silences/:id': roleFirst('reader', 200, { given: aSilence }),
  'PUT /v1/silences/:id': roleFirst('member', 200, { given: aSilence, body: SILENCE }),
  'DELETE /v1/silences/:id': roleFirst('member', 204, { given: aSilence }),

  'GET /v1/receivers': byRole('member', 200),
  'POST /v1/receivers': ofAProject('member', 201, { given: noReceiver, body: RECEIVER }),
  'GET /v1/receivers/:id': roleFirst('member', 200, { given: aReceiver }),
  'PUT /v1/receivers/:id': roleFirst('member', 200, { given: aReceiver, body: { name: 'other' } }),
  'DELETE /v1/receivers/:id': roleFirst('member', 204, { given: aReceiver }),
  'POST /v1/receivers/:id/secrets': roleFirst('member', 201, { given: aReceiver, body: {} }),
  'DELETE /v1/receivers/:id/secrets/:secret': roleFirst('member', 204, { given: aReceiver }),

  'GET /v1/api-keys': byRole('member', 200),
  'POST /v1/api-keys': ofAProject('member', 201, { body: { role: 'reader' } }),
  'DELETE /v1/api-keys/:id': roleFirst('member', 204, { given: aKey }),

  'POST /v1/imports': byRole('admin', 200, { body: [] }),
  'POST /v1/imports/activate': byRole('admin', 200, { body: {} }),
};

/** The routes that answer without an identity. */
const PUBLIC_ROUTES = [
  'GET /',
  'GET /healthcheck',
  'GET /livez',
  'GET /readyz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/:file',
  'POST /v1/session',
  'GET /console',
  'GET /console/:folder/:file',
];

function headersOf({ role, project }: Who): Caller {
  return {
    'x-user-id': 'u9',
    ...(project === null ? {} : { 'x-project-id': project === 'own' ? 'p1' : 'p2' }),
    ...(role === 'none' ? {} : { 'x-roles': role === 'other' ? 'auditor' : role }),
  };
}

test('every route has a row, and every row a route', () => {
  expect(Object.keys(ROWS).sort()).toEqual(Object.keys(OPERATIONS).sort());
});

describe.each(Object.entries(ROWS))('%s', (route, { expected, targets, given, body, search = '' }) => {
  const [method = '', pattern = ''] = route.split(' ');

  test.each(targets)('is answered by role and owner (object: %s)', async (target) => {
    const wrong: string[] = [];
    for (const who of CALLERS) {
      const made = (await given?.()) ?? {};
      const path = pattern.replace(/:(\w+)/g, (_, name: string) =>
        target === 'missing' ? 'never' : (made[name] ?? ''),
      );
      const answer = await api.ask(method, path + search, { as: headersOf(who), body });
      const wanted = expected(who, target);
      if (!counted(answer.status === wanted))
        wrong.push(`${who.role} of ${who.project ?? 'no'} project: ${answer.status}, not ${wanted}`);
      if (answer.status === 403) expect(answer.fault).toBe('RBAC Authorization Failed');
    }
    expect(wrong).toEqual([]);
  });
});

describe('a credential that is not valid', () => {
  const HOUR_MS = 3_600_000;
  let byKey: TestApi;
  beforeAll(async () => {
    byKey = await startApi(db, {
      countsResults: true,
      authentication: (clock) => ({
        authenticate: createApiKeyAuthenticator({ keys: createApiKeyStore(db), clock, log: silentLogger }),
      }),
    });
  });
  afterAll(() => byKey.close());

  /** A key of an admin for all projects. */
  async function storedKey(expiresAt: Date | null = null): Promise<{ id: string; key: string }> {
    const { key, id, secretHash } = generateApiKey();
    const rights = { projectId: 'p1', userId: 'u1', role: 'admin', allProjects: true } as const;
    const record = { id, secretHash, ...rights, description: '', createdBy: 'u1', createdAt: byKey.clock.now() };
    await createApiKeyStore(db).create({ ...record, expiresAt });
    return { id, key };
  }

  const CREDENTIALS: Record<string, () => Promise<Caller>> = {
    'no credential': () => Promise.resolve({}),
    'headers of an admin': () => Promise.resolve(headersOf({ role: 'admin', project: 'own' })),
    'a key that was never made': () => Promise.resolve({ 'x-api-key': generateApiKey().key }),
    'a key with another secret': async () => {
      const [{ id }, { key }] = [await storedKey(), generateApiKey()];
      return { 'x-api-key': key.replace(/^ak_[^_]+/, `ak_${id}`) };
    },
    'an expired key': async () => {
      const { key } = await storedKey(new Date(byKey.clock.now().getTime() - HOUR_MS));
      return { authorization: `Bearer ${key}` };
    },
    'a revoked key': async () => {
      const { id, key } = await storedKey();
      await createApiKeyStore(db).revoke({ all: true }, { id, roles: ROLES, allProjects: true }, byKey.clock.now());
      return { authorization: `Bearer ${key}` };
    },
  };

  credentials += Object.keys(CREDENTIALS).length;

  /** Public routes with parameters give files of the program, which are always there. No other object is. */
  async function addressOf(route: string, pattern: string): Promise<string> {
    const known = PUBLIC_ROUTES.includes(route) ? await ROWS[route]?.given?.() : undefined;
    return pattern.replace(/:(\w+)/g, (_, part: string) => known?.[part] ?? 'never');
  }

  test('differs from a valid one, which is answered 200', async () => {
    const { key } = await storedKey();
    expect((await byKey.ask('GET', '/v2/alarms', { as: { 'x-api-key': key } })).status).toBe(200);
  });

  test.each(Object.keys(CREDENTIALS))('%s: only public routes answer, and no path is found', async (name) => {
    const as = (await CREDENTIALS[name]?.()) ?? {};
    const wrong: string[] = [];
    for (const route of [
      ...Object.keys(ROWS),
      'GET /v2/nothing',
      'GET /v1/nothing',
      'PATCH /v2/alarms',
      'GET /nothing',
    ]) {
      const [method = '', pattern = ''] = route.split(' ');
      const file = await addressOf(route, pattern);
      const { status, text } = await byKey.ask(method, file, { as, body: ROWS[route]?.body });
      const isExpected = PUBLIC_ROUTES.includes(route)
        ? status === (route === 'POST /v1/session' ? 400 : 200)
        : status === 401 && text.includes('requires authentication');
      if (!counted(isExpected)) wrong.push(`${route}: ${status} ${text}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a filter narrows what is seen and never widens it', () => {
  const LISTS = [
    '/v2/alarms',
    '/v2/meters',
    '/v2/meters/cpu',
    '/v2/meters/cpu/statistics',
    '/v2/resources',
    '/v1/notifications',
  ];
  const FORMS = [
    '',
    'q.field=project_id&q.value=p2',
    'q.field=project_id&q.value=p1',
    'q.field=project_id&q.op=ne&q.value=p2',
    'q.field=project_id&q.value=p2&q.field=project_id&q.value=p1',
    'q.field=project_id&q.value=p1&q.field=project_id&q.value=p2',
    'q[0].field=project_id&q[0].value=p1&q[1].field=project_id&q[1].value=p2',
    'q.field=PROJECT_ID&q.value=p1',
    'q.field=all_projects&q.value=true',
    'q.field=all_projects&q.value=false',
    'q.field=all_projects&q.value=False',
    'q.field=all_projects&q.value=0',
    'q.field=all_projects&q.value=',
    'q.field=all_projects&q.value=false&q.field=all_projects&q.value=true',
    'q.field=all_projects&q.value=false&q.field=project_id&q.value=p1',
    'q.field=on_behalf_of&q.value=p1',
    'all_projects=true',
    'project_id=p1',
    'project_id[]=p1',
    'q[field]=project_id&q[value]=p1',
  ];
  const BODIES = [
    '{"=": {"project_id": "p1"}}',
    '{"not": {"=": {"project_id": "p2"}}}',
    '{"in": {"project_id": ["p1", "p2"]}}',
  ].flatMap((filter) => [
    filter,
    `{"or": [${filter}, {"=": {"name": "x"}}]}`,
    `{"or": [{"!=": {"name": "x"}}, {"not": ${filter}}]}`,
  ]);

  beforeEach(async () => {
    const alarmId = await api.create(thresholdBody({ name: 'secret-of-p1' }), MEMBER);
    await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [{ ...SAMPLE, resource_id: 'secret-of-p1' }] });
    await storeNotification(db, { id: 'secret-of-p1', alarmId, projectId: 'p1', status: 'dead' });
  });

  test.each(['reader', 'member'] as const)('for a %s of another project', async (role) => {
    const as = headersOf({ role, project: 'another' });
    for (const list of LISTS) {
      for (const form of FORMS) {
        const answer = await api.ask('GET', `${list}?${form}`, { as });
        expect([list, form, [200, 400, 401, 403].includes(answer.status)]).toEqual([list, form, true]);
        if (answer.status === 200) expect([list, form, answer.text]).toEqual([list, form, '[]']);
        expect(counted(!answer.text.includes('secret-of-p1'))).toBe(true);
      }
    }
    for (const path of ['/v2/query/alarms', '/v2/query/alarms/history']) {
      for (const filter of [
        undefined,
        ...BODIES,
        ...BODIES.map((body) => body.replaceAll('project_id', 'on_behalf_of')),
      ]) {
        const answer = await api.ask('POST', path, { as, body: { filter } });
        expect(counted(!answer.text.includes('secret-of-p1'))).toBe(true);
        if (answer.status === 200) expect([path, filter, answer.text]).toEqual([path, filter, '[]']);
        else expect([path, filter, [400, 401].includes(answer.status)]).toEqual([path, filter, true]);
      }
    }
  });

  test('an admin without all_projects sees the own project only', async () => {
    const as = headersOf({ role: 'admin', project: 'another' });
    expect((await api.ask('GET', '/v2/alarms', { as })).text).toBe('[]');
    expect((await api.ask('GET', '/v2/alarms?q.field=all_projects&q.value=true', { as })).text).toContain(
      'secret-of-p1',
    );
  });
});

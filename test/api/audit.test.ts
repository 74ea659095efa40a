import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { OPERATIONS } from '../../src/api/openapi/operations.js';
import { generateApiKey } from '../../src/api/identity/api-key-form.js';
import { createApiKeyAuthenticator } from '../../src/api/identity/api-key.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createApiKeyStore } from '../../src/storage/secrets/api-key-store.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { storeNotification } from '../support/stored-notifications.js';

interface ShownEntry {
  id: string;
  action: string;
  outcome: string;
  status: number;
  count: number;
  request_id: string | null;
  project_id: string | null;
  object_id: string | null;
  changed: string[] | null;
  actor: {
    user_id: string | null;
    project_id: string | null;
    roles: string[];
    api_key_id: string | null;
    all_projects_key: boolean;
    address: string | null;
  };
}

let db: Database;
/** One for each test, since the number of alike entries in a minute is bounded. */
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(async () => {
  await empty(db);
  api = await startApi(db, { countsResults: true });
});
afterEach(() => api.close());
afterAll(() => db.close());

/** The entries so far, oldest first, without those of reading the trail. */
async function trail(search = '', as: Caller = ADMIN): Promise<ShownEntry[]> {
  const answer = await api.ask('GET', `/v1/audit?limit=1000&${search}`, { as });
  expect(answer.status).toBe(200);
  const entries = answer.json<ShownEntry[]>().filter(({ action }) => action !== 'audit.list');
  return entries.reverse();
}
const actions = async (search = '', as: Caller = ADMIN): Promise<string[]> =>
  (await trail(search, as)).map(({ action, outcome }) => `${action} ${outcome}`);

const anAlarm = (): Promise<string> => api.create(thresholdBody(), MEMBER);
async function aNotification(): Promise<string> {
  const id = randomUUID();
  await storeNotification(db, { id, alarmId: await anAlarm(), projectId: 'p1', status: 'dead' });
  return id;
}
const SILENCE = {
  matchers: [{ field: 'name', value: '*' }],
  ends_at: '2099-01-01T12:00:00Z',
  reason: 'maintenance',
  owner: 'operators',
};
async function aSilence(): Promise<string> {
  return (await api.ask('POST', '/v1/silences', { as: MEMBER, body: SILENCE })).json<{ id: string }>().id;
}
async function aKey(): Promise<string> {
  return (await api.ask('POST', '/v1/api-keys', { as: MEMBER, body: {} })).json<{ id: string }>().id;
}
const RECEIVER = { origin: 'https://hooks.example.com' };
async function aReceiver(): Promise<string> {
  return (await api.ask('POST', '/v1/receivers', { as: MEMBER, body: RECEIVER })).json<{ id: string }>().id;
}
/** The rest of the path of a signing secret, after that of receivers. */
async function aSecret(): Promise<string> {
  const path = `${await aReceiver()}/secrets`;
  const made = await api.ask('POST', `/v1/receivers/${path}`, { as: MEMBER, body: {} });
  return `${path}/${made.json<{ id: string }>().id}`;
}
const WITH_ACTION = thresholdBody({ alarm_actions: ['http://receiver.example.com/'] });
const aTestedAlarm = (): Promise<string> => api.create(WITH_ACTION, MEMBER);
const CONFIRMED = { confirm: 'cpu high' };
const SAMPLE = { counter_type: 'gauge', counter_unit: '%', counter_volume: 1, resource_id: 'r1' };
const TRAITS = [['project_id', 1, 'p1']];
const EVENT = { message_id: 'm1', event_type: 'compute.instance', traits: TRAITS, generated: '2026-01-01T12:00:00' };
const BACKTEST = { alarm: thresholdBody(), start: '2026-01-01T11:00:00', stop: '2026-01-01T11:10:00' };
const QUOTA = { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 3 }] };

interface WriteRow {
  action: string;
  object?: () => Promise<string>;
  search?: string;
  body?: unknown;
  /** Default: a member of project p1. */
  as?: Caller;
  /** Default: p1. */
  project?: string;
  /** Default: the object in the path; undefined for any id. */
  id?: string | null | undefined;
  changed?: string[];
}

/** Requests that change nothing and have a body. */
const READS = /^POST (\/v2\/query\/|\/v1\/alarms\/(latest-)?values$|\/v1\/silences\/preview$)/;

/** Without authentication there are no sessions. The tests of sessions have their entries. */
const OF_SESSIONS = /^(POST|DELETE) \/v1\/session$/;

/** Every write of the API, and the entry that it leaves. */
const WRITES: Record<string, WriteRow> = {
  'POST /v2/alarms': { action: 'alarm.create', body: thresholdBody(), id: undefined },
  'PUT /v2/alarms/:id': {
    action: 'alarm.update',
    object: anAlarm,
    body: thresholdBody({ name: 'new', severity: 'critical' }),
    changed: ['name', 'severity'],
  },
  'DELETE /v2/alarms/:id': { action: 'alarm.delete', object: anAlarm },
  'PUT /v2/alarms/:id/state': { action: 'alarm.set_state', object: anAlarm, body: 'ok', changed: ['state'] },
  'POST /v2/alarms/backtest': { action: 'alarm.backtest', body: BACKTEST, id: null },
  'POST /v1/alarms/:id/test-fire': { action: 'alarm.test_fire', object: aTestedAlarm, body: CONFIRMED },
  'POST /v1/alarms/test-fire': { action: 'alarm.test_fire', body: { alarm: WITH_ACTION, ...CONFIRMED }, id: null },
  'POST /v2/meters/:meter': { action: 'sample.create', object: () => Promise.resolve('cpu'), body: [SAMPLE] },
  'POST /v2/events': { action: 'event.create', body: [EVENT], id: null },
  'POST /v1/notifications/replay': { action: 'notification.replay', id: null },
  'POST /v1/notifications/:id/replay': { action: 'notification.replay', object: aNotification },
  'PUT /v1/delivery-pauses/:project': { action: 'delivery.pause', object: () => Promise.resolve('p1') },
  'DELETE /v1/delivery-pauses/:project': { action: 'delivery.resume', object: () => Promise.resolve('p1') },
  'POST /v1/silences': { action: 'silence.create', body: SILENCE, id: undefined },
  'PUT /v1/silences/:id': {
    action: 'silence.update',
    object: aSilence,
    body: { ...SILENCE, reason: 'more maintenance' },
    changed: ['reason'],
  },
  'DELETE /v1/silences/:id': { action: 'silence.end', object: aSilence },
  'POST /v2/quotas': { action: 'quota.set', body: QUOTA, as: ADMIN, id: 'p1', changed: ['alarms'] },
  'DELETE /v2/quotas': { action: 'quota.reset', search: '?project_id=p1', as: ADMIN, id: 'p1' },
  'DELETE /v2/quotas/:id': { action: 'quota.reset', object: () => Promise.resolve('p1'), as: ADMIN },
  'POST /v1/api-keys': { action: 'api_key.create', body: {}, id: undefined },
  'DELETE /v1/api-keys/:id': { action: 'api_key.revoke', object: aKey, as: ADMIN },
  'POST /v1/receivers': { action: 'receiver.create', body: RECEIVER, id: undefined },
  'PUT /v1/receivers/:id': {
    action: 'receiver.update',
    object: aReceiver,
    body: { name: 'scaler' },
    changed: ['name'],
  },
  'DELETE /v1/receivers/:id': { action: 'receiver.delete', object: aReceiver },
  'POST /v1/receivers/:id/secrets': { action: 'signing_secret.create', object: aReceiver, body: {}, id: undefined },
  'DELETE /v1/receivers/:id/secrets/:secret': { action: 'signing_secret.end', object: aSecret, id: undefined },
  'POST /v1/imports': { action: 'import.create', body: [], as: ADMIN, project: '*', id: null },
  'POST /v1/imports/activate': { action: 'import.activate', body: { project_id: 'p1' }, as: ADMIN, id: null },
};

test('every route that writes has a row here', () => {
  const others = (key: string): boolean => key.startsWith('GET ') || READS.test(key) || OF_SESSIONS.test(key);
  const writes = Object.keys(OPERATIONS).filter((key) => !others(key));
  expect(Object.keys(WRITES).sort()).toEqual(writes.sort());
});

test.each(Object.entries(WRITES))('%s leaves an entry before it is answered', async (route, row) => {
  const [method = '', pattern = ''] = route.split(' ');
  const object = await row.object?.();
  await db.query('delete from audit_entries');
  const { search = '', as = MEMBER } = row;
  const path = pattern.replace(/:\w+(\/secrets\/:\w+)?/, object ?? '') + search;
  const answer = await api.ask(method, path, { as, body: row.body });
  expect(answer.status).toBeLessThan(300);
  const { rows } = await db.query<{ id: string }>('select id from audit_entries');
  expect(rows).toHaveLength(1);
  const [entry] = await trail();
  expect(entry).toMatchObject({
    action: row.action,
    outcome: 'done',
    status: answer.status,
    count: 1,
    request_id: answer.headers['x-openstack-request-id'],
    project_id: row.project ?? 'p1',
    object_id: 'id' in row ? (row.id === undefined ? expect.any(String) : row.id) : object,
    changed: row.changed ?? null,
    actor: {
      user_id: as['x-user-id'],
      project_id: as['x-project-id'],
      roles: [as['x-roles']],
      api_key_id: null,
      all_projects_key: false,
      address: '127.0.0.1',
    },
  });
});

describe('denied requests are in the trail', () => {
  test.each([
    { what: 'a reader who writes', as: READER, denied: { status: 403, project_id: 'p1' } },
    { what: 'a member of another project', as: STRANGER, denied: { status: 404, project_id: 'p2' } },
  ])('$what', async ({ as, denied }) => {
    const id = await anAlarm();
    const answer = await api.ask('DELETE', `/v2/alarms/${id}`, { as });
    const [, entry] = await trail();
    expect(entry).toMatchObject({
      action: 'alarm.delete',
      outcome: 'denied',
      object_id: id,
      request_id: answer.headers['x-openstack-request-id'],
      ...denied,
    });
  });

  test('lists of other projects are denied', async () => {
    await api.ask('GET', '/v2/alarms?q.field=all_projects&q.value=true', { as: MEMBER });
    await api.ask('GET', '/v2/alarms?q.field=project_id&q.value=p1', { as: STRANGER });
    expect(await actions()).toEqual(['alarm.list denied', 'alarm.list denied']);
  });

  test("wrong requests, and an admin's for an unknown alarm, are refused and not denied", async () => {
    const id = await anAlarm();
    await api.ask('POST', '/v2/alarms', { as: MEMBER, body: { name: 'x' } });
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER, headers: { 'if-match': '"0-0"' } });
    await api.ask('DELETE', '/v2/alarms/none', { as: ADMIN });
    const entries = (await trail()).slice(1).map(({ action, outcome, status }) => [action, outcome, status]);
    expect(entries).toEqual([
      ['alarm.create', 'refused', 400],
      ['alarm.delete', 'refused', 412],
      ['alarm.delete', 'refused', 404],
    ]);
  });
});

describe('reads', () => {
  test.each([
    { path: '/v2/alarms/ID', entries: ['alarm.read done'] },
    { path: '/v2/alarms/ID/state', entries: ['alarm.read_state done'] },
    { path: '/v2/alarms/ID/history', entries: ['alarm.read_history done'] },
    { path: '/v2/alarms/ID/explain', entries: ['alarm.explain done'] },
    { path: '/v2/alarms', entries: [] },
    { path: '/v2/alarms?q.field=all_projects&q.value=true', entries: ['alarm.list done'] },
    { path: '/v2/alarms?q.field=project_id&q.value=p1', entries: ['alarm.list done'] },
    { path: '/v2/metrics', entries: [] },
    { path: '/v2/metrics?all_projects=true', entries: ['alarm.count_results done'] },
    { path: '/v2/meters', entries: ['meter.list done'] },
    { path: '/v2/resources', entries: ['resource.list done'] },
    { path: '/v2/quotas', entries: [] },
    { path: '/v2/quotas/p1', entries: ['quota.read done'] },
    { path: '/v1/notifications', entries: ['notification.list done'] },
    { path: '/v1/stream', entries: ['stream.read done'] },
    { path: '/v1/delivery-pauses', entries: ['delivery.list_pauses done'] },
    { path: '/v1/silences', entries: ['silence.list done'] },
    { path: '/v1/silences?project_id=p1', entries: ['silence.list done'] },
    { path: '/v1/api-keys', entries: ['api_key.list done'] },
    { path: '/v1/api-keys?project_id=ops', entries: [] },
    { path: '/v2/capabilities', entries: [] },
  ])('GET $path leaves $entries by an admin of another project, and nothing by a member', async ({ path, entries }) => {
    const id = await anAlarm();
    await db.query('delete from audit_entries');
    const member = path.includes('all_projects') || path.includes('ops') ? '/v2/alarms' : path;
    expect((await api.ask('GET', member.replace('ID', id), { as: MEMBER })).status).toBe(200);
    expect(await actions()).toEqual([]);
    expect((await api.ask('GET', path.replace('ID', id), { as: ADMIN })).status).toBe(200);
    expect(await actions()).toEqual(entries);
  });

  test('complex queries of admins read all projects', async () => {
    await api.ask('POST', '/v2/query/alarms', { as: ADMIN, body: {} });
    await api.ask('POST', '/v2/query/alarms/history', { as: ADMIN, body: {} });
    await api.ask('POST', '/v2/query/alarms', { as: MEMBER, body: {} });
    const entries = await trail();
    expect(entries.map(({ action, project_id }) => [action, project_id])).toEqual([
      ['alarm.query', '*'],
      ['alarm.query_history', '*'],
    ]);
  });

  test('reading the trail of other projects is in the trail', async () => {
    await trail();
    const answer = await api.ask('GET', '/v1/audit', { as: ADMIN });
    expect(answer.json<ShownEntry[]>()).toMatchObject([{ action: 'audit.list', project_id: '*' }]);
  });
});

describe('many entries of one kind', () => {
  test('samples leave one entry, and one a minute with their number', async () => {
    for (let n = 0; n < 5; n += 1) await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [SAMPLE] });
    expect((await trail()).map(({ count }) => count)).toEqual([1]);
    await api.clock.advance(61_000);
    expect((await trail()).map(({ count }) => count)).toEqual([1, 4]);
  });

  test('requests that are denied leave ten entries, and one a minute with their number', async () => {
    for (let n = 0; n < 25; n += 1) await api.ask('DELETE', `/v2/alarms/${n}`, { as: STRANGER });
    expect(await trail()).toHaveLength(10);
    await api.clock.advance(61_000);
    const entries = await trail();
    expect(entries.map(({ count }) => count)).toEqual([...Array<number>(10).fill(1), 15]);
    expect(entries.at(-1)).toMatchObject({ outcome: 'denied', object_id: null });
  });

  test("an admin's reads of one project hide no read of another", async () => {
    const [one, other] = [await anAlarm(), await api.create(thresholdBody(), STRANGER)];
    for (let n = 0; n < 15; n += 1) await api.ask('GET', `/v2/alarms/${one}`, { as: ADMIN });
    await api.ask('GET', `/v2/alarms/${other}`, { as: ADMIN });
    const reads = (await trail()).filter(({ action }) => action === 'alarm.read');
    expect(reads.map(({ object_id }) => object_id)).toEqual([...Array<string>(10).fill(one), other]);
  });

  test('successful writes have an entry each', async () => {
    for (let n = 0; n < 25; n += 1) await anAlarm();
    expect(await trail()).toHaveLength(25);
  });
});

describe('GET /v1/audit', () => {
  test('shows the entries of one project to the holder of its admin key', async () => {
    const bound = { ...ADMIN, 'x-project-id': 'p1' };
    await api.close();
    api = await startApi(db, {
      authenticate: ({ headers }) =>
        Promise.resolve({
          userId: String(headers['x-user-id']),
          projectId: String(headers['x-project-id']),
          role: headers['x-roles'] as 'admin',
          ...(headers['x-project-id'] === 'p1' ? { isBoundToProject: true as const } : {}),
        }),
    });
    const id = await anAlarm();
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: STRANGER });
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: ADMIN });
    expect(await actions()).toEqual(['alarm.create done', 'alarm.delete denied', 'alarm.delete done']);
    const seen = await trail('', bound);
    expect(seen.map(({ action, actor }) => [action, actor.project_id, actor.address])).toEqual([
      ['alarm.create', 'p1', '127.0.0.1'],
      ['alarm.delete', 'ops', null],
    ]);
    expect(await actions('project_id=p2', bound)).toEqual([]);
    for (const as of [MEMBER, STRANGER]) expect((await api.ask('GET', '/v1/audit', { as })).status).toBe(403);
  });

  test('is read in pages', async () => {
    for (let n = 0; n < 5; n += 1) await anAlarm();
    const first = await api.ask('GET', '/v1/audit?limit=3&action=alarm.create', { as: ADMIN });
    const marker = first.json<ShownEntry[]>()[2]?.id;
    const second = await api.ask('GET', `/v1/audit?limit=3&action=alarm.create&marker=${marker}`, { as: ADMIN });
    const ids = [first, second].flatMap((answer) => answer.json<ShownEntry[]>().map(({ id }) => id));
    expect(new Set(ids).size).toBe(5);
  });

  test.each([
    ['outcome=good', /outcome/],
    ['action=alarm', /action/],
    ['since=yesterday', /since/],
    ['limit=1001', /limit/],
    ['marker=none', /Marker none not found/],
    ['marker=0190b0a0-0000-7000-8000-000000000000', /Marker .* not found/],
    ['user=u1', /Unknown argument/],
  ])('refuses %s', async (search, fault) => {
    const answer = await api.ask('GET', `/v1/audit?${search}`, { as: ADMIN });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringMatching(fault)]);
  });

  test('finds an id that a client wrote with a line break', async () => {
    const forged = 'a%0Ab';
    await api.ask('DELETE', `/v2/alarms/${forged}`, { as: STRANGER });
    const entries = await trail(`object_id=${forged}`);
    expect(entries.map(({ object_id }) => object_id)).toEqual(['a\\u{a}b']);
  });
});

describe('with API keys', () => {
  const bearer = (key: string): Caller => ({ authorization: `Bearer ${key}` });
  let keys: Record<'member' | 'all', { id: string; key: string }>;

  beforeEach(async () => {
    await api.close();
    const store = createApiKeyStore(db);
    api = await startApi(db, {
      authentication: (clock) => ({
        authenticate: createApiKeyAuthenticator({ keys: store, clock, log: silentLogger }),
      }),
    });
    const stored = async (role: 'member' | 'admin', allProjects: boolean): Promise<{ id: string; key: string }> => {
      const { key, ...parts } = generateApiKey();
      const granted = { projectId: 'p1', userId: 'u1', role, allProjects, description: '', createdBy: 'test' };
      await store.create({ ...parts, ...granted, createdAt: api.clock.now(), expiresAt: null });
      return { id: parts.id, key };
    };
    keys = { member: await stored('member', false), all: await stored('admin', true) };
  });
  const trailByKey = (): Promise<ShownEntry[]> => trail('', bearer(keys.all.key));

  test('an entry names the key, and marks one for all projects on every use', async () => {
    await api.ask('GET', '/v2/alarms', { as: bearer(keys.member.key) });
    await api.ask('GET', '/v2/alarms', { as: bearer(keys.all.key) });
    await api.create(thresholdBody(), bearer(keys.member.key));
    const entries = await trailByKey();
    expect(entries.map(({ action, actor }) => [action, actor.api_key_id, actor.all_projects_key])).toEqual([
      ['alarm.list', keys.all.id, true],
      ['alarm.create', keys.member.id, false],
    ]);
  });

  test('failed authentications of an address leave ten entries, and one a minute with their number', async () => {
    for (let n = 0; n < 30; n += 1) await api.ask('GET', '/v2/alarms', { as: bearer(generateApiKey().key) });
    await api.clock.advance(61_000);
    const entries = await trailByKey();
    expect(entries.map(({ count }) => count)).toEqual([...Array<number>(10).fill(1), 20]);
    expect(entries[0]).toMatchObject({
      action: 'service.authenticate',
      outcome: 'denied',
      status: 401,
      actor: { user_id: null, address: '127.0.0.1' },
    });
  });

  test('no entry holds the secret of a key', async () => {
    const made = await api.ask('POST', '/v1/api-keys', { as: bearer(keys.all.key), body: {} });
    const { key } = made.json<{ key: string }>();
    await api.ask('DELETE', `/v1/api-keys/${key}`, { as: bearer(keys.all.key) });
    const entries = await trailByKey();
    expect(entries.map(({ object_id }) => object_id)).toEqual([key.split('_')[1], '***']);
    for (const secret of [key, keys.all.key]) expect(JSON.stringify(entries)).not.toContain(secret.slice(-43));
  });
});

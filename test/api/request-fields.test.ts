import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { cursorAfter } from '../../src/api/http/cursor.js';
import { auditEntry, UNKNOWN } from '../../src/storage/audit/audit-entry.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, thresholdBody, type Answered, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { fieldsOfRequests, isOfAlarm, SAMPLE, shown, undocumented, type Meaning } from '../support/field-meanings.js';
import { namedBackends } from '../support/named-backends.js';
import { EVENT_BODY } from '../support/request-bodies.js';
import { notificationRows } from '../support/notification-fields.js';
import { receiverRows } from '../support/receiver-fields.js';
import { silenceRows } from '../support/silence-fields.js';
import { streamRows } from '../support/stream-fields.js';
import { storeNotification } from '../support/stored-notifications.js';
import { testFireRows } from '../support/test-fire-fields.js';

/**
 * Each field of each request without an alarm in its body changes something that a later answer shows, or is refused,
 * or is in the table "Fields that are read and not used" of docs/compatibility.md. The fields come from /openapi.json:
 * a new one without a row fails.
 */

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, {
    ruleChecks: namedBackends({ gnocchi: ['east'], prometheus: ['east'] }),
    countsResults: true,
  });
});
beforeEach(() => empty(db));
afterAll(() => api.close().then(() => db.close()));

type Json = Record<string, unknown>;

const get = async (path: string, as = ADMIN): Promise<string> => shown(await api.ask('GET', path, { as }));

interface Row {
  /** Default: `meant`. */
  meaning?: Meaning;
  /** Three answers: two to the same request, and one to that request with another value of the field. */
  answers: () => Promise<string[]>;
}

async function sampled(fields: Json): Promise<string> {
  await empty(db);
  const posted = await api.ask('POST', '/v2/meters/cpu', { as: ADMIN, body: [{ ...SAMPLE, user_id: 'u', ...fields }] });
  return posted.status === 201 ? get('/v2/meters/cpu') : shown(posted);
}

/** The notifications that an event with these fields causes. A list of fields is sent as a list of events. */
async function happened(given: Json | Json[]): Promise<string> {
  await empty(db);
  const alarm = { name: 'e', type: 'event', event_rule: { event_type: 'compute.*' }, alarm_actions: ['http://h/'] };
  await api.create(alarm, MEMBER);
  const traits = [...EVENT_BODY.traits, ['project_id', 1, 'p1']];
  const eventOf = (fields: Json): Json => ({ ...EVENT_BODY, traits, ...fields });
  const body = Array.isArray(given) ? given.map(eventOf) : eventOf(given);
  const posted = await api.ask('POST', '/v2/events', { as: ADMIN, body });
  return posted.status === 200 ? get('/v1/notifications') : shown(posted);
}

const START = new Date('2026-01-01T12:00:00Z');

function setClock(at: Date): void {
  api.clock.synchronise(at, api.clock.monotonicMs());
}

async function threeAlarms(): Promise<string[]> {
  await empty(db);
  const ids: string[] = [];
  setClock(START);
  for (const name of ['a', 'b', 'c']) {
    ids.push(await api.create(thresholdBody({ name }), MEMBER));
    setClock(new Date(api.clock.now().getTime() + 1_000));
  }
  for (const [index, id] of ids.entries())
    await storeNotification(db, {
      id: `n${index}`,
      alarmId: id,
      projectId: 'p1',
      ...(index === 0 ? { status: 'dead', finishedAt: new Date(START.getTime() - 1) } : { status: 'pending' }),
    });
  for (const volume of [1, 2])
    await api.ask('POST', `/v2/meters/cpu`, {
      as: MEMBER,
      body: [{ ...SAMPLE, counter_volume: volume, resource_id: `r${volume}` }],
    });
  await api.ask('PUT', `/v2/alarms/${ids[0]}/state`, { as: MEMBER, body: 'ok' });
  return ids;
}

/** Answers of the same route twice without the parameter and once with it. */
function inUrl(path: string, search: string, method = 'GET', as = MEMBER): () => Promise<string[]> {
  return async () => {
    const answers: string[] = [];
    for (const given of [false, false, true]) {
      const ids = await threeAlarms();
      const event =
        (await api.ask('GET', `/v2/alarms/${ids[0]}/history`, { as })).json<{ event_id?: string }[]>()[0]?.event_id ??
        '';
      const put = (text: string): string => text.replace('ID', ids[0]!).replace('EVENT', event);
      const answer = await api.ask(method, put(path) + (given ? `?${put(search)}` : ''), { as });
      answers.push(shown(answer));
    }
    return answers;
  };
}

function inBody(path: string, base: Json, other: Json, method = 'POST'): () => Promise<string[]> {
  return async () => {
    const answers: string[] = [];
    for (const body of [base, base, { ...base, ...other }]) {
      await threeAlarms();
      const { status, text } = await api.ask(method, path, { as: ADMIN, body });
      answers.push(
        shown({ status, text: text.replace(/"ak_[^"]*"|"key_id": "[^"]*"|"id": "[^"]*"/g, '""') } as Answered),
      );
    }
    return answers;
  };
}

const inTurn =
  <T>(ask: (given: T) => Promise<string>, base: T, other: T) =>
  async (): Promise<string[]> => [await ask(base), await ask(base), await ask(other)];
const both = (ask: (fields: Json) => Promise<string>, other: Json) => inTurn(ask, {}, other);

const quota = { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 5 }] };
const backtestOf = {
  start: '2026-01-01T11:58:00',
  stop: '2026-01-01T12:00:00',
  alarm: thresholdBody({ threshold_rule: { meter_name: 'cpu', threshold: 0 } }),
};
const imported = { ...thresholdBody(), alarm_id: 'i1' };

async function importedAs(alarm_id: string): Promise<string> {
  await empty(db);
  return shown(await api.ask('POST', '/v1/imports', { as: ADMIN, body: [{ ...imported, alarm_id }] }));
}

async function activated(body: Json): Promise<string> {
  await empty(db);
  await api.ask('POST', '/v1/imports', { as: ADMIN, body: [imported] });
  return shown(await api.ask('POST', '/v1/imports/activate', { as: ADMIN, body }));
}

async function stateSet(body: unknown, search = ''): Promise<string> {
  const [id] = await threeAlarms();
  const answer = await api.ask('PUT', `/v2/alarms/${id}/state${search}`, { as: MEMBER, body });
  return answer.status === 200 ? get(`/v2/alarms/${id}/state`, READER) : shown(answer);
}

/** Each field in a single event, and in an event of a list. */
const EVENT_ROWS = Object.fromEntries(
  Object.entries({
    message_id: 'm2',
    event_type: 'compute.other',
    generated: '2025-01-01T00:00:00',
    traits: [['project_id', 1, 'p1']],
  }).flatMap(([name, other]) => [
    [`POST /v2/events: ${name}`, { answers: both((fields) => happened(fields), { [name]: other }) }],
    [`POST /v2/events: [].${name}`, { answers: both((fields) => happened([fields]), { [name]: other }) }],
  ]),
) as Readonly<Record<string, Row>>;

/** The objects of two stored entries of the audit trail that a list with these parameters has. `MARKER`: the newest. */
async function auditOf(search: string): Promise<string> {
  await empty(db);
  const at = (hours: number): Date => new Date(START.getTime() + hours * 3_600_000);
  const facts = [
    { action: 'alarm.create', outcome: 'done', projectId: 'p1', objectId: 'older', userId: 'u1' },
    { action: 'alarm.delete', outcome: 'denied', projectId: 'p2', objectId: 'newer', userId: 'u2' },
  ] as const;
  const entries = facts.map((fact, index) => auditEntry({ ...UNKNOWN, ...fact }, at(index + 1)));
  await createAuditStore(db).append(entries);
  const answer = await api.ask('GET', `/v1/audit?${search.replace('MARKER', entries[1]?.id ?? '')}`, { as: ADMIN });
  const stored = new Set(entries.map(({ id }) => id));
  if (answer.status !== 200) return shown(answer);
  const listed = answer.json<{ id: string; object_id: string }[]>().filter(({ id }) => stored.has(id));
  return `200 ${listed.map(({ object_id }) => object_id).join(' ')}`;
}

/** A value of each parameter with which only one of the two entries is listed. */
const AUDIT_ROWS = Object.fromEntries(
  Object.entries({
    project_id: 'p1',
    actor: 'u1',
    action: 'alarm.create',
    object_id: 'older',
    outcome: 'done',
    since: '2026-01-01T13:30:00',
    until: '2026-01-01T13:30:00',
    limit: '1',
    marker: 'MARKER',
  }).map(([name, value]) => [`GET /v1/audit ?${name}`, { answers: inTurn(auditOf, '', `${name}=${value}`) }]),
) as Readonly<Record<string, Row>>;

const valuesOf = (search: string): Promise<string> =>
  threeAlarms().then(([id]) => get(`/v1/alarms/${id}/values${search}`, READER));
async function latestOf(indexes: readonly number[]): Promise<string> {
  const made = await threeAlarms();
  const body = { ids: indexes.map((index) => made[index]) };
  return shown(await api.ask('POST', '/v1/alarms/latest-values', { as: READER, body }));
}
const SPAN = '?start=2026-01-01T11:58:00Z&stop=2026-01-01T12:00:00Z';
const VALUES_ROWS: Readonly<Record<string, Row>> = {
  'GET /v1/alarms/{id}/values ?start': { answers: inTurn(valuesOf, SPAN, SPAN.replace('11:58', '11:59')) },
  'GET /v1/alarms/{id}/values ?stop': { answers: inTurn(valuesOf, SPAN, SPAN.replace('12:00', '11:59')) },
  'GET /v1/alarms/{id}/values ?step': { answers: inTurn(valuesOf, SPAN, `${SPAN}&step=10`) },
  'POST /v1/alarms/values: start': {
    answers: inBody('/v1/alarms/values', backtestOf, { start: '2026-01-01T11:00:00' }),
  },
  'POST /v1/alarms/values: stop': { answers: inBody('/v1/alarms/values', backtestOf, { stop: '2026-01-01T11:59:00' }) },
  'POST /v1/alarms/values: step': { answers: inBody('/v1/alarms/values', backtestOf, { step: 10 }) },
  'POST /v1/alarms/values: initial_state': {
    answers: inBody('/v1/alarms/values', backtestOf, { initial_state: 'ok' }),
  },
  'POST /v1/alarms/latest-values: ids': { answers: inTurn(latestOf, [], [0]) },
};

/** The second of the alarms of `threeAlarms` is the first of the next page. */
const AFTER_THE_FIRST = cursorAfter(
  [
    { key: 'name', descending: false },
    { key: 'alarm_id', descending: false },
  ],
  { name: 'a', alarm_id: 'z' },
);
const ALARM_FILTERS = {
  state: 'ok',
  type: 'event',
  severity: 'critical',
  enabled: 'false',
  project_id: 'other',
  search: 'b',
};
const listRows = (path: string, parameters: Readonly<Record<string, string>>): Readonly<Record<string, Row>> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      `GET ${path} ?${name}`,
      { answers: inUrl(path, `${name}=${value}`) },
    ]),
  );
const AFTER_ALL = cursorAfter(
  [
    { key: 'at', descending: true },
    { key: 'event_id', descending: true },
  ],
  { at: '2025-01-01T00:00:00.000Z', event_id: 'z' },
);
/** Two transitions, the first of the first alarm. `ID`: that alarm. */
async function transitionsOf(search: string): Promise<string> {
  const [first, second] = await threeAlarms();
  setClock(new Date(api.clock.now().getTime() + 1_000));
  await api.ask('PUT', `/v2/alarms/${second}/state`, { as: MEMBER, body: 'alarm' });
  return get(`/v1/transitions${search.replace('ID', first!)}`, READER);
}
const LIST_ROWS: Readonly<Record<string, Row>> = {
  ...listRows('/v1/alarms', { ...ALARM_FILTERS, sort: 'name:desc', limit: '1', cursor: AFTER_THE_FIRST }),
  ...listRows('/v1/alarms/counts', ALARM_FILTERS),
  ...Object.fromEntries(
    Object.entries({
      since: '2026-01-01T12:00:03.500Z',
      until: '2026-01-01T12:00:03.500Z',
      state: 'ok',
      type: 'event',
      severity: 'critical',
      alarm_id: 'ID',
      project_id: 'other',
      limit: '1',
      cursor: AFTER_ALL,
    }).map(([name, value]) => [
      `GET /v1/transitions ?${name}`,
      { answers: inTurn(transitionsOf, '', `?${name}=${value}`) },
    ]),
  ),
};

const AFTER_CPU = cursorAfter([{ key: 'name', descending: false }], { name: 'cpu' });
const AFTER_R1 = cursorAfter(
  [
    { key: 'resource_id', descending: false },
    { key: 'project_id', descending: false },
  ],
  { resource_id: 'r1', project_id: 'p1' },
);
const METER_ROWS: Readonly<Record<string, Row>> = {
  ...listRows('/v1/meters', { name: 'z', search: 'z', resource_id: 'r1', user_id: 'z', cursor: AFTER_CPU }),
  ...listRows('/v1/resources', { meter: 'z', search: '1', user_id: 'z', limit: '1', cursor: AFTER_R1 }),
  'GET /v1/meters ?limit': { answers: inUrl('/v1/meters', 'limit=101'), meaning: 'refused' },
  'GET /v1/meters ?project_id': { answers: inUrl('/v1/meters', 'project_id=other'), meaning: 'refused' },
  'GET /v1/resources ?project_id': { answers: inUrl('/v1/resources', 'project_id=other'), meaning: 'refused' },
};

async function paused(fields: Json): Promise<string> {
  await empty(db);
  const given = await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER, body: fields });
  return given.status === 204 ? get('/v1/delivery-pauses') : shown(given);
}
const PAUSE_ROWS: Readonly<Record<string, Row>> = {
  'PUT /v1/delivery-pauses/{project}: ends_at': { answers: both(paused, { ends_at: '2036-01-01T00:00:00Z' }) },
  'PUT /v1/delivery-pauses/{project}: reason': { answers: both(paused, { reason: 'maintenance' }) },
};

const query = (other: Json, path = '/v2/query/alarms') => inBody(path, {}, other);
const ROWS: Readonly<Record<string, Row>> = {
  'GET /v2/alarms ?q': { answers: inUrl('/v2/alarms', 'q.field=name&q.value=a') },
  'GET /v2/alarms ?sort': { answers: inUrl('/v2/alarms', 'sort=name:asc') },
  'GET /v2/alarms ?limit': { answers: inUrl('/v2/alarms', 'limit=1') },
  'GET /v2/alarms ?marker': { answers: inUrl('/v2/alarms', 'marker=ID') },
  'GET /v2/alarms/{id}/history ?q': { answers: inUrl('/v2/alarms/ID/history', 'q.field=type&q.value=creation') },
  'GET /v2/alarms/{id}/history ?sort': { answers: inUrl('/v2/alarms/ID/history', 'sort=type:asc') },
  'GET /v2/alarms/{id}/history ?limit': { answers: inUrl('/v2/alarms/ID/history', 'limit=1') },
  'GET /v2/alarms/{id}/history ?marker': { answers: inUrl('/v2/alarms/ID/history', 'marker=EVENT') },
  'GET /v2/alarms/{id}/explain ?at': { answers: inUrl('/v2/alarms/ID/explain', 'at=2025-12-31T00:00:00') },
  'GET /v2/metrics ?all_projects': { answers: inUrl('/v2/metrics', 'all_projects=true'), meaning: 'refused' },
  'GET /v2/meters ?q': { answers: inUrl('/v2/meters', 'q.field=resource_id&q.value=r1') },
  'GET /v2/meters ?limit': { answers: inUrl('/v2/meters', 'limit=1') },
  'GET /v2/meters/{meter} ?q': { answers: inUrl('/v2/meters/cpu', 'q.field=resource_id&q.value=r1') },
  'GET /v2/meters/{meter} ?limit': { answers: inUrl('/v2/meters/cpu', 'limit=1') },
  'GET /v2/meters/{meter}/statistics ?q': {
    answers: inUrl('/v2/meters/cpu/statistics', 'q.field=resource_id&q.value=r1'),
  },
  'GET /v2/meters/{meter}/statistics ?period': { answers: inUrl('/v2/meters/cpu/statistics', 'period=60') },
  'GET /v2/meters/{meter}/statistics ?groupby': { answers: inUrl('/v2/meters/cpu/statistics', 'groupby=resource_id') },
  'GET /v2/resources ?q': { answers: inUrl('/v2/resources', 'q.field=resource_id&q.value=r1') },
  'GET /v2/resources ?limit': { answers: inUrl('/v2/resources', 'limit=1') },
  'GET /v2/quotas ?project_id': { answers: inUrl('/v2/quotas', 'project_id=other', 'GET', ADMIN) },
  'DELETE /v2/quotas ?project_id': { answers: inUrl('/v2/quotas', 'project_id=p1', 'DELETE', ADMIN) },
  'GET /v1/api-keys ?project_id': { answers: inUrl('/v1/api-keys', 'project_id=p2'), meaning: 'refused' },
  'GET /v1/api-keys ?limit': { answers: inUrl('/v1/api-keys', 'limit=1001'), meaning: 'refused' },
  'GET /v1/api-keys ?marker': { answers: inUrl('/v1/api-keys', 'marker=none'), meaning: 'refused' },
  'PUT /v2/alarms/{id}/state ?state': {
    answers: inTurn((search) => stateSet(undefined, search), '?state=ok', '?state=alarm'),
  },
  'PUT /v2/alarms/{id}/state: ': { answers: inTurn((state) => stateSet(state), 'ok', 'alarm') },
  'POST /v2/meters/{meter}: [].counter_name': { answers: both(sampled, { counter_name: 'other' }), meaning: 'refused' },
  'POST /v2/meters/{meter}: [].counter_type': { answers: both(sampled, { counter_type: 'delta' }) },
  'POST /v2/meters/{meter}: [].counter_unit': { answers: both(sampled, { counter_unit: 'B' }) },
  'POST /v2/meters/{meter}: [].counter_volume': { answers: both(sampled, { counter_volume: 2 }) },
  'POST /v2/meters/{meter}: [].resource_id': { answers: both(sampled, { resource_id: 'r2' }) },
  'POST /v2/meters/{meter}: [].project_id': { answers: both(sampled, { project_id: 'p2' }) },
  'POST /v2/meters/{meter}: [].user_id': { answers: both(sampled, { user_id: 'u2' }) },
  'POST /v2/meters/{meter}: [].source': { answers: both(sampled, { source: 's2' }) },
  'POST /v2/meters/{meter}: [].timestamp': { answers: both(sampled, { timestamp: '2025-01-01T00:00:00' }) },
  'POST /v2/meters/{meter}: [].recorded_at': {
    answers: both(sampled, { recorded_at: '2025-01-01T00:00:00' }),
    meaning: 'unused',
  },
  'POST /v2/meters/{meter}: [].message_id': { answers: both(sampled, { message_id: 'm2' }) },
  'POST /v2/meters/{meter}: [].resource_metadata': { answers: both(sampled, { resource_metadata: { a: 1 } }) },
  ...EVENT_ROWS,
  ...AUDIT_ROWS,
  'POST /v2/query/alarms: filter': { answers: query({ filter: '{"=": {"name": "a"}}' }) },
  'POST /v2/query/alarms: orderby': { answers: query({ orderby: '[{"name": "asc"}]' }) },
  'POST /v2/query/alarms: limit': { answers: query({ limit: 1 }) },
  'POST /v2/query/alarms/history: filter': {
    answers: query({ filter: '{"=": {"type": "creation"}}' }, '/v2/query/alarms/history'),
  },
  'POST /v2/query/alarms/history: orderby': {
    answers: query({ orderby: '[{"type": "asc"}]' }, '/v2/query/alarms/history'),
  },
  'POST /v2/query/alarms/history: limit': { answers: query({ limit: 1 }, '/v2/query/alarms/history') },
  'POST /v2/quotas: project_id': { answers: inBody('/v2/quotas', quota, { project_id: 'p2' }) },
  'POST /v2/quotas: quotas[].resource': {
    answers: inBody('/v2/quotas', quota, { quotas: [{ resource: 'other', limit: 5 }] }),
    meaning: 'refused',
  },
  'POST /v2/quotas: quotas[].limit': {
    answers: inBody('/v2/quotas', quota, { quotas: [{ resource: 'alarms', limit: 6 }] }),
  },
  'POST /v1/api-keys: role': { answers: inBody('/v1/api-keys', {}, { role: 'reader' }) },
  'POST /v1/api-keys: description': { answers: inBody('/v1/api-keys', {}, { description: 'other' }) },
  'POST /v1/api-keys: expires_in': { answers: inBody('/v1/api-keys', {}, { expires_in: 60 }) },
  'POST /v1/api-keys: project_id': { answers: inBody('/v1/api-keys', {}, { project_id: 'other' }) },
  'POST /v1/api-keys: user_id': { answers: inBody('/v1/api-keys', {}, { user_id: 'other' }) },
  'POST /v1/api-keys: all_projects': { answers: inBody('/v1/api-keys', { role: 'admin' }, { all_projects: true }) },
  'POST /v1/imports: [].alarm_id': { answers: inTurn(importedAs, 'i1', 'i2') },
  'POST /v1/imports/activate: project_id': { answers: both(activated, { project_id: 'none' }) },
  'POST /v1/imports/activate: alarm_ids': { answers: both(activated, { alarm_ids: ['none'] }) },
  'POST /v2/alarms/backtest: start': {
    answers: inBody('/v2/alarms/backtest', backtestOf, { start: '2026-01-01T11:00:00' }),
  },
  'POST /v2/alarms/backtest: stop': {
    answers: inBody('/v2/alarms/backtest', backtestOf, { stop: '2026-01-01T11:59:00' }),
  },
  'POST /v2/alarms/backtest: step': { answers: inBody('/v2/alarms/backtest', backtestOf, { step: 10 }) },
  'POST /v2/alarms/backtest: initial_state': {
    answers: inBody('/v2/alarms/backtest', backtestOf, { initial_state: 'ok' }),
  },
  ...LIST_ROWS,
  ...METER_ROWS,
  ...VALUES_ROWS,
  ...PAUSE_ROWS,
  ...testFireRows({ api: () => api, empty: () => empty(db) }),
  ...streamRows({ api: () => api, threeAlarms }),
  ...notificationRows(inUrl),
  ...silenceRows({ api: () => api, threeAlarms, empty: () => empty(db) }),
  ...receiverRows({ api: () => api, threeAlarms, empty: () => empty(db) }),
};

test('each field of a request without an alarm in its body has a row', async () => {
  const fields = await fieldsOfRequests(api);
  expect(fields.filter((field) => !isOfAlarm(field)).sort()).toEqual(Object.keys(ROWS).sort());
});

describe('a field takes effect, is refused or is documented', () => {
  test.each(Object.entries(ROWS))('%s', async (_, { meaning = 'meant', answers }) => {
    const [first, before, after] = await answers();
    // An answer that differs from request to request would hide that the field changes nothing.
    expect(before).toBe(first);
    if (meaning === 'refused') expect(after).toMatch(/^4/);
    else if (meaning === 'unused') expect(after).toBe(before);
    else {
      expect(after).toMatch(/^2/);
      expect(after).not.toBe(before);
    }
  });
});

test('docs/compatibility.md lists the fields of requests that are read and not used', () => {
  const unused = Object.entries(ROWS).filter(([, { meaning }]) => meaning === 'unused');
  expect(unused.length).toBeGreaterThan(0);
  expect(undocumented(unused.map(([row]) => row.replace(/^.*\./, '')))).toEqual([]);
});

import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  READER,
  startApi,
  thresholdBody,
  type Answered,
  type TestApi,
} from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { namedBackends } from '../support/named-backends.js';
import { ALARM_BODIES, EVENT_BODY, withAt } from '../support/request-bodies.js';
import { requestFields } from '../support/request-fields.js';
import { storeNotification } from '../support/stored-notifications.js';

/**
 * Each field of each request changes something that a later answer shows, or is refused, or is in the table "Fields
 * that are read and not used" of docs/compatibility.md. The fields come from /openapi.json: a new one without a row
 * fails.
 */

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db, {
    ruleChecks: namedBackends({ gnocchi: ['east'], prometheus: ['east'] }),
    countsResults: true,
  });
});
beforeEach(() => empty(db));
afterAll(() => api.close().then(() => db.close()));

type Way = (string | number)[];
type Json = Record<string, unknown>;

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const shown = ({ status, text }: Answered): string => `${status} ${text.replace(ID, 'id')}`;
const get = async (path: string, as = ADMIN): Promise<string> => shown(await api.ask('GET', path, { as }));

type Meaning = 'meant' | 'refused' | 'unused';

/** Of alarms, where it is another than `meant`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  alarm_id: 'unused',
  timestamp: 'unused',
  state_timestamp: 'unused',
  state_reason: 'unused',
  evaluate_timestamp: 'unused',
  type: 'refused',
  'tocsin.muted': 'refused',
  'threshold_rule.query[].op': 'refused',
};

/** Another value than the good bodies have, by the way to the field or by its last name. */
const OTHER: Readonly<Record<string, unknown>> = {
  ...{
    alarm_id: 'other',
    name: 'other',
    description: 'other',
    enabled: false,
    repeat_actions: true,
    type: 'event',
    state: 'alarm',
  },
  ...{
    ok_actions: ['http://h/2'],
    alarm_actions: ['http://h/3'],
    insufficient_data_actions: ['http://h/4'],
    severity: 'critical',
  },
  ...{
    project_id: 'other',
    user_id: 'other',
    timestamp: '2025-01-01T00:00:00',
    state_timestamp: '2025-01-01T00:00:00',
  },
  ...{
    state_reason: 'other',
    evaluate_timestamp: '2025-01-01T00:00:00',
    start: '5 0 * * *',
    duration: 61,
    timezone: 'Europe/Berlin',
  },
  ...{
    delivery_policy: 'every',
    datapoints_to_alarm: 1,
    treat_missing_data: 'ok',
    clear_threshold: 0.5,
    ingestion_lag: 5,
  },
  ...{
    backend: 'east',
    muted: true,
    period: 120,
    comparison_operator: 'ge',
    threshold: 60,
    statistic: 'max',
    evaluation_periods: 3,
  },
  ...{ meter_name: 'other', exclude_outliers: true, metric: 'other', resource_id: 'other', resource_type: 'other' },
  ...{
    aggregation_method: 'max',
    granularity: 300,
    metrics: ['other'],
    pool_id: 'o',
    stack_id: 'o',
    autoscaling_group_id: 'o',
  },
  ...{ event_type: 'other', operator: 'or', op: 'ne', value: 'no', field: 'metadata.other' },
  'prometheus_rule.query': 'other',
  'composite_rule<prometheus>.query': 'other',
  'gnocchi_aggregation_by_resources_threshold_rule.query': '{"=": {"a": 1}}',
  'composite_rule<gnocchi_aggregation_by_resources_threshold>.query': '{"=": {"a": 1}}',
  'threshold_rule.query[].type': 'boolean',
  'event_rule.query[].type': '',
};

const LEAVES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'gnocchi_aggregation_by_metrics_threshold',
    'gnocchi_aggregation_by_resources_threshold',
    'gnocchi_resources_threshold',
    'prometheus',
  ].map((kind) => [`composite_rule<${kind}>`, kind]),
);

function otherOf(field: string): unknown {
  const name = [field, field.replace(/^.*\./, '')].find((key) => Object.hasOwn(OTHER, key));
  if (name === undefined) throw new Error(`no other value for ${field}`);
  return OTHER[name];
}

/** A good body that has the field, and the way to it. */
function bodyWith(field: string, members: string[]): { body: Json; way: Way } {
  const way = (path: string): Way =>
    path.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]));
  const ofType = (type: string): Json => ALARM_BODIES.find((body) => body['type'] === type) as Json;
  const [first = '', ...rest] = field.split('.');
  const leaf = LEAVES[first];
  if (leaf !== undefined) {
    const rule = { ...(ofType(leaf)[`${leaf}_rule`] as Json), tocsin: {}, type: leaf };
    return {
      body: { ...ofType('composite'), composite_rule: { or: [rule] } },
      way: ['composite_rule', 'or', 0, ...way(rest.join('.'))],
    };
  }
  const type =
    /^(\w+)_rule$/.exec(first)?.[1] ?? (field.startsWith('tocsin') ? 'gnocchi_resources_threshold' : 'threshold');
  const body = type === 'combination' ? (combinationBody(members) as Json) : { ...ofType(type), tocsin: {} };
  return { body, way: way(field) };
}

/** What an alarm looks like after a request with this body. */
const ALARM_ROUTES: Readonly<Record<string, (body: unknown) => Promise<string>>> = {
  'POST /v2/alarms': async (body) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: ADMIN, body });
    return answer.status === 201 ? get(`/v2/alarms/${answer.json<{ alarm_id: string }>().alarm_id}`) : shown(answer);
  },
  'PUT /v2/alarms/{id}': async (body) => {
    const id = await api.create(thresholdBody());
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { as: ADMIN, body });
    return answer.status === 200 ? get(`/v2/alarms/${id}`) : shown(answer);
  },
};

async function meaningOf(ask: (body: unknown) => Promise<string>, field: string): Promise<Meaning> {
  const members = [
    await api.create(thresholdBody()),
    await api.create(thresholdBody()),
    await api.create(thresholdBody()),
  ];
  const { body, way } = bodyWith(field, members.slice(0, 2));
  const other = /composite_rule\.(and|or)$/.test(field)
    ? withAt(body, ['composite_rule'], { [way[1]!]: [] })
    : withAt(
        body,
        way,
        field === 'combination_rule.alarm_ids'
          ? [...members].reverse()
          : field.endsWith('>.type')
            ? 'x'
            : otherOf(field),
      );
  const [before, after] = [await ask(body), await ask(JSON.parse(JSON.stringify(other)))];
  expect([field, before.slice(0, 4)]).toEqual([field, '200 ']);
  if (/^4/.test(after)) return 'refused';
  return after.replace(ID, '') === before.replace(ID, '') ? 'unused' : 'meant';
}

interface Row {
  /** `meant` where it is not said. */
  meaning?: Meaning;
  /** To a request without the field, or with one value, twice; and to the same with another value. */
  answers: () => Promise<string[]>;
}

/**
 * Rows of the requests that have no alarm in their body: how the field is used, in two ways that must not answer alike.
 */
const SAMPLE = {
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: 'r',
  message_id: 'm',
  source: 's',
  project_id: 'p1',
};

async function sampled(fields: Json): Promise<string> {
  await empty(db);
  const posted = await api.ask('POST', '/v2/meters/cpu', { as: ADMIN, body: [{ ...SAMPLE, user_id: 'u', ...fields }] });
  return posted.status === 201 ? get('/v2/meters/cpu') : shown(posted);
}

/** What an event with these fields does; in a list, if they are in one. */
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
      status: index === 0 ? 'dead' : 'pending',
    });
  for (const volume of [1, 2])
    await api.ask('POST', `/v2/meters/cpu`, {
      as: MEMBER,
      body: [{ ...SAMPLE, counter_volume: volume, resource_id: `r${volume}` }],
    });
  await api.ask('PUT', `/v2/alarms/${ids[0]}/state`, { as: MEMBER, body: 'ok' });
  return ids;
}

/** The same route with and without the parameter. */
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

/** A single event, and one in a list, which is what is sent here. */
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
  'GET /v1/notifications ?status': { answers: inUrl('/v1/notifications', 'status=dead') },
  'GET /v1/notifications ?alarm_id': { answers: inUrl('/v1/notifications', 'alarm_id=ID') },
  'GET /v1/notifications ?limit': { answers: inUrl('/v1/notifications', 'limit=1') },
  'GET /v1/notifications ?marker': { answers: inUrl('/v1/notifications', 'marker=n1') },
  'POST /v1/notifications/replay ?status': { answers: inUrl('/v1/notifications/replay', 'status=cancelled', 'POST') },
  'POST /v1/notifications/replay ?alarm_id': { answers: inUrl('/v1/notifications/replay', 'alarm_id=none', 'POST') },
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
};

/** What an alarm has that a backtest does not show. */
const UNUSED_IN_DRAFTS = ['name', 'description', 'enabled', 'user_id', 'severity', 'state', 'tocsin.delivery_policy'];

/**
 * An alarm in a backtest has the schema of an alarm, whose fields are looked at where it is created, and in a test of
 * drafts.
 */
const OF_A_DRAFT = /^POST \/v2\/alarms\/backtest: alarm\./;

async function fieldsOfRequests(): Promise<string[]> {
  return requestFields((await api.ask('GET', '/openapi.json')).json()).filter((field) => !OF_A_DRAFT.test(field));
}

const isOfAlarm = (field: string): boolean => /^(POST|PUT) \/v2\/alarms(\/\{id\})?: /.test(field);
test('this test covers every field of every request', async () => {
  const fields = await fieldsOfRequests();
  expect(fields.filter((field) => !isOfAlarm(field)).sort()).toEqual(Object.keys(ROWS).sort());
  expect(fields.filter(isOfAlarm).length).toBeGreaterThan(150);
});

test.each(Object.keys(ALARM_ROUTES))(
  'each field of the body of %s takes effect, is refused or is documented',
  async (route) => {
    const fields = (await fieldsOfRequests())
      .filter((field) => field.startsWith(`${route}: `))
      .map((field) => field.slice(route.length + 2));
    const found: Record<string, Meaning> = {};
    const expected: Record<string, Meaning> = {};
    for (const field of fields) {
      found[field] = await meaningOf(ALARM_ROUTES[route]!, field);
      expected[field] = MEANINGS[field] ?? (field.endsWith('>.type') ? 'refused' : 'meant');
    }
    expect(found).toEqual(expected);
  },
);

describe('a field takes effect, is refused or is documented', () => {
  test.each(Object.entries(ROWS))('%s', async (_, { meaning = 'meant', answers }) => {
    const [first, before, after] = await answers();
    // What changes by itself would hide that the field changes nothing.
    expect(before).toBe(first);
    if (meaning === 'refused') expect(after).toMatch(/^4/);
    else if (meaning === 'unused') expect(after).toBe(before);
    else {
      expect(after).toMatch(/^2/);
      expect(after).not.toBe(before);
    }
  });
});

test('a backtest ignores the fields of a stored alarm, and uses the fields of its draft', async () => {
  const actions = {
    ok_actions: ['http://h/1'],
    alarm_actions: ['http://h/1'],
    insufficient_data_actions: ['http://h/1'],
  };
  const rule = { meter_name: 'cpu', threshold: 1.5, comparison_operator: 'gt' };
  const constraint = { name: 'n', start: '0 0 * * *', duration: 60 };
  const draft = { ...thresholdBody({ threshold_rule: rule }), ...actions, tocsin: {}, time_constraints: [] };
  await threeAlarms();
  const told = async (alarm: unknown): Promise<string> => {
    const span = { start: '2026-01-01T11:50:00', stop: '2026-01-01T12:00:00' };
    return shown(await api.ask('POST', '/v2/alarms/backtest', { as: MEMBER, body: { ...span, alarm } }));
  };
  for (const minutes of [1, 4, 7]) {
    const timestamp = new Date(START.getTime() - minutes * 60_000 - 1_000);
    await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: [{ ...SAMPLE, counter_volume: minutes, timestamp }] });
  }
  const before = await told(draft);
  const unused = [...UNUSED_IN_DRAFTS, ...Object.keys(MEANINGS).filter((field) => MEANINGS[field] === 'unused')];
  const others = unused.map((field) => [field, field === 'user_id' ? 'u1' : otherOf(field)] as const);
  for (const [field, value] of others)
    expect([field, await told(withAt(draft, field.split('.'), value))]).toEqual([field, before]);
  const meant = {
    alarm_actions: [],
    time_constraints: [constraint],
    repeat_actions: true,
    threshold_rule: { ...rule, threshold: 9 },
  };
  for (const [field, value] of Object.entries(meant))
    expect([field, await told({ ...draft, [field]: value })]).not.toEqual([field, before]);
  expect(before).toMatch(/^200 .*"to": "alarm"/s);
});

test('docs/compatibility.md lists the fields that are read and not used', () => {
  const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
  const part = /## Fields that are read and not used\n([^]*?)\n## /.exec(page)?.[1] ?? '';
  const unused = [
    ...Object.entries(MEANINGS),
    ...Object.entries(ROWS).map(([row, { meaning }]) => [row.replace(/^.*\./, ''), meaning]),
  ];
  const names = [
    ...UNUSED_IN_DRAFTS,
    ...unused.filter(([, meaning]) => meaning === 'unused').map(([name]) => name as string),
  ];
  expect(names.length).toBeGreaterThan(4);
  expect(names.filter((name) => !part.includes(`\`${name}\``))).toEqual([]);
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, combinationBody, MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { fieldsOfRequests, isOfAlarm, SAMPLE, shown, undocumented, type Meaning } from '../support/field-meanings.js';
import { namedBackends } from '../support/named-backends.js';
import { ALARM_BODIES, withAt } from '../support/request-bodies.js';

/**
 * Each field of an alarm's body changes something that a later answer shows, or is refused, or is in the table "Fields
 * that are read and not used" of docs/compatibility.md. The fields come from /openapi.json: a new one without another
 * value fails.
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

type Way = (string | number)[];
type Json = Record<string, unknown>;

const get = async (path: string): Promise<string> => shown(await api.ask('GET', path, { as: ADMIN }));

/** Meanings of the fields of alarms; `meant` for all others. */
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

/** A value that differs from the one in the good bodies, by the path of the field or by its last name. */
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

/** A good body with the field, and the path of the field. */
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

/** Sends the body, then reads the alarm. */
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

/** `members` are the ids of three alarms. */
async function meaningOf(
  ask: (body: unknown) => Promise<string>,
  field: string,
  members: readonly string[],
): Promise<Meaning> {
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
  return after === before ? 'unused' : 'meant';
}

/** Fields of an alarm that a backtest does not show. */
const UNUSED_IN_DRAFTS = ['name', 'description', 'enabled', 'user_id', 'severity', 'state', 'tocsin.delivery_policy'];

test('each field of an alarm is found in /openapi.json', async () => {
  expect((await fieldsOfRequests(api)).filter(isOfAlarm).length).toBeGreaterThan(150);
});

test.each(Object.keys(ALARM_ROUTES))(
  'each field of the body of %s takes effect, is refused or is documented',
  async (route) => {
    const fields = (await fieldsOfRequests(api))
      .filter((field) => field.startsWith(`${route}: `))
      .map((field) => field.slice(route.length + 2));
    const members: string[] = [];
    for (let n = 0; n < 3; n += 1) members.push(await api.create(thresholdBody()));
    const found: Record<string, Meaning> = {};
    const expected: Record<string, Meaning> = {};
    for (const field of fields) {
      found[field] = await meaningOf(ALARM_ROUTES[route]!, field, members);
      expected[field] = MEANINGS[field] ?? (field.endsWith('>.type') ? 'refused' : 'meant');
    }
    expect(found).toEqual(expected);
  },
);

const START = new Date('2026-01-01T12:00:00Z');

test('a backtest ignores the fields of a stored alarm, and uses the fields of its draft', async () => {
  const actions = {
    ok_actions: ['http://h/1'],
    alarm_actions: ['http://h/1'],
    insufficient_data_actions: ['http://h/1'],
  };
  const rule = { meter_name: 'cpu', threshold: 1.5, comparison_operator: 'gt' };
  const constraint = { name: 'n', start: '0 0 * * *', duration: 60 };
  const draft = { ...thresholdBody({ threshold_rule: rule }), ...actions, tocsin: {}, time_constraints: [] };
  api.clock.synchronise(new Date(START.getTime() + 3_000), api.clock.monotonicMs());
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

test('docs/compatibility.md lists the fields of alarms that are read and not used', () => {
  const unused = [...UNUSED_IN_DRAFTS, ...Object.keys(MEANINGS).filter((field) => MEANINGS[field] === 'unused')];
  expect(unused.length).toBeGreaterThan(4);
  expect(undocumented(unused)).toEqual([]);
});

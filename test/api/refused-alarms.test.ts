import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createNoauthAuthenticator } from '../../src/api/identity/noauth.js';
import type { Trusts } from '../../src/api/ports.js';
import { createRuleChecks } from '../../src/app/rule-checks.js';
import { Config } from '../../src/config/schema.js';
import { AppError } from '../../src/errors.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { egressWith } from '../support/egress.js';
import { FakeClock } from '../support/fake-clock.js';
import { gnocchiRefusal, startGnocchiDouble, type GnocchiDouble } from '../support/gnocchi-double.js';
import { refusal, startPrometheusDouble, type PrometheusDouble } from '../support/prometheus-double.js';

type Body = Record<string, unknown>;

const HOOK = 'http://hook.example/';
const QUEUE = 'queue://jobs';
const MISSING = '0b1c7d0e-0000-4000-8000-000000000000';
const WITH_TOKEN: Caller = { ...MEMBER, 'x-auth-token': 'theirs' };
const SPAN = { start: '2026-01-01T11:00:00Z', stop: '2026-01-01T12:00:00Z' };

let db: Database;
let gnocchi: GnocchiDouble;
let prometheus: PrometheusDouble;
const resources = new ReleaseStack();
/** The service with backends, and one without them, where only admins may use Prometheus. */
let api: TestApi;
let bare: TestApi;
const ids: Record<'one' | 'two' | 'own', string> = { one: '', two: '', own: '' };

const refusingKeystone: Trusts = {
  create: () => Promise.reject(new AppError('invalid_request', 'Keystone refused to create one')),
  remove: () => Promise.resolve(),
};
const noauth = createNoauthAuthenticator();
const keystone = {
  token: () => Promise.resolve('ours'),
  renew: () => Promise.resolve('ours'),
  projectId: () => Promise.resolve(null),
};

beforeAll(async () => {
  db = await anyDatabase();
  [gnocchi, prometheus] = await Promise.all([startGnocchiDouble(), startPrometheusDouble()]);
  prometheus.reply = refusal(400, 'bad_data', 'invalid parameter "query": 1:1: parse error');
  gnocchi.answers.aggregates = gnocchiRefusal(400, 'Invalid search');
  gnocchi.answers.metric = ({ headers }, response): void => {
    response.writeHead(headers['x-auth-token'] === 'ours' ? 200 : 403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: MISSING, title: 'Refused', code: 403, description: '' }));
  };
  const checksOf = (settings: object): ReturnType<typeof createRuleChecks> =>
    createRuleChecks({ config: Config.parse(settings), clock: new FakeClock(), resources, keystone });
  const shared = {
    alarmMaxActions: 4,
    egress: egressWith({ privateAllowed: false }),
    trusts: refusingKeystone,
    trustsOverHttp: false,
    authenticate: async (credentials: Parameters<typeof noauth>[0]) => {
      const token = credentials.headers['x-auth-token'];
      return { ...(await noauth(credentials)), ...(typeof token === 'string' ? { token } : {}) };
    },
  };
  const backends = {
    prometheus: { url: prometheus.url, tenancy: 'label' },
    gnocchi: { url: gnocchi.url, auth: 'keystone' },
  };
  api = await startApi(db, { ...shared, ruleChecks: checksOf(backends) });
  bare = await startApi(db, { ...shared, ruleChecks: checksOf({ prometheus: { tenancy: 'none' } }) });
  ids.one = await api.create(thresholdBody(), MEMBER);
  ids.two = await api.create(thresholdBody(), MEMBER);
  ids.own = await api.create(combination([ids.one, ids.two]), MEMBER);
});
afterAll(async () => {
  await Promise.all([api.close(), bare.close()]);
  await resources.release();
  await Promise.all([gnocchi.close(), prometheus.close()]);
  await db.close();
});

const acts = (actions: unknown[], fields: Body = {}): Body => thresholdBody({ alarm_actions: actions, ...fields });
const event = (condition: Body): Body => ({
  name: 'n',
  type: 'event',
  event_rule: { query: [condition] },
});
const promql = (query: string): Body => ({ name: 'n', type: 'prometheus', prometheus_rule: { query, threshold: 1 } });
const leaf = (fields: Body = {}): Body => ({ type: 'prometheus', query: 'up', threshold: 1, ...fields });
const composite = (rule: unknown): Body => ({ name: 'n', type: 'composite', composite_rule: rule });
const withSecond = (member: unknown): Body => composite({ and: [{ or: [leaf()] }, { or: [leaf(), member] }] });
const combination = (alarms: string[]): Body => ({
  name: 'n',
  type: 'combination',
  combination_rule: { alarm_ids: alarms },
});
const search = (fields: Body = {}): Body => {
  const rule = { metric: 'cpu', query: '{}', resource_type: 'instance', aggregation_method: 'mean', threshold: 1 };
  const type = 'gnocchi_aggregation_by_resources_threshold';
  return { name: 'n', type, [`${type}_rule`]: { ...rule, ...fields } };
};
const metrics = (...names: string[]): Body => {
  const type = 'gnocchi_aggregation_by_metrics_threshold';
  return { name: 'n', type, [`${type}_rule`]: { metrics: names, aggregation_method: 'mean', threshold: 1 } };
};
const constraint = (fields: Body = {}): Body => ({ name: 'night', start: '0 23 * * *', duration: 60, ...fields });

/** What is refused, the body, the path, and the caller if it is no member. */
type Refused = [what: string, body: () => Body, pointer: string, as?: Caller];

const IN_THE_ALARM: Refused[] = [
  ['an action whose scheme has no receiver', () => acts([HOOK, 'htp:/x']), '/alarm_actions/1'],
  ['an action after one that is there twice', () => acts([HOOK, HOOK, 'htp:/x']), '/alarm_actions/2'],
  ['an action in another list', () => thresholdBody({ ok_actions: [HOOK, 'http://'] }), '/ok_actions/1'],
  ['an action that is null', () => acts([HOOK, null]), '/alarm_actions/1'],
  ['too many actions', () => acts([1, 2, 3, 4, 5].map((n) => `${HOOK}${n}`)), '/alarm_actions'],
  ['an action of admins', () => acts([HOOK, 'log://']), '/alarm_actions/1'],
  ['a queue without a Redis', () => acts([HOOK, QUEUE]), '/alarm_actions/1'],
  ['a trust in an action', () => acts([HOOK, 'trust+https://t@other.example/']), '/alarm_actions/1'],
  ['a trust over http', () => acts([HOOK, 'trust+http://other.example/']), '/alarm_actions/1'],
  ['a trust action without a token', () => acts([HOOK, 'trust+https://other.example/']), '/alarm_actions/1'],
  ['a trust that Keystone refuses', () => acts([HOOK, 'trust+https://other.example/']), '/alarm_actions/1', WITH_TOKEN],
  ['a receiver with a private address', () => acts([HOOK, 'http://10.0.0.1/']), '/alarm_actions/1'],
  ['a bad subscriber of Zaqar', () => acts([HOOK, 'zaqar://?topic=t&subscriber=http:']), '/alarm_actions/1'],
  ['a value of muted', () => thresholdBody({ tocsin: { muted: true } }), '/tocsin/muted'],
  ['a foreign project', () => thresholdBody({ project_id: 'p2' }), '/project_id'],
  ['a foreign user', () => thresholdBody({ user_id: 'u2' }), '/user_id'],
  [
    'a foreign project in a condition',
    () =>
      thresholdBody({ threshold_rule: { meter_name: 'm', threshold: 1, query: [{ field: 'project', value: 'p2' }] } }),
    '/threshold_rule/query/0/value',
  ],
  ['a rule that is missing', () => ({ name: 'n', type: 'event' }), '/event_rule'],
  [
    'a rule of another type',
    () => ({ ...event({ field: 'f', value: 'v' }), ...combination([]), type: 'event' }),
    '/combination_rule/alarm_ids',
  ],
  ['a second rule', () => ({ ...promql('up'), event_rule: {} }), '/event_rule'],
  ['the field of a condition on events', () => event({ field: 'a b', value: '1' }), '/event_rule/query/0/field'],
  ['its operator', () => event({ field: 'f', op: 'like', value: '1' }), '/event_rule/query/0/op'],
  ['its value', () => event({ field: 'f', value: 'x', type: 'integer' }), '/event_rule/query/0/value'],
  ['its type', () => event({ field: 'f', value: 'x', type: 'uuid' }), '/event_rule/query/0/type'],
  [
    'names of constraints',
    () => thresholdBody({ time_constraints: [constraint(), constraint()] }),
    '/time_constraints',
  ],
  [
    'a time zone',
    () => thresholdBody({ time_constraints: [constraint({ timezone: 'Mars' })] }),
    '/time_constraints/0/timezone',
  ],
  ['the query of a search', () => search({ query: '{' }), '/gnocchi_aggregation_by_resources_threshold_rule/query'],
  ['a search that Gnocchi refuses', () => search(), '/gnocchi_aggregation_by_resources_threshold_rule/query'],
  [
    'an aggregation method that Gnocchi does not know',
    () => search({ aggregation_method: 'p99' }),
    '/gnocchi_aggregation_by_resources_threshold_rule/aggregation_method',
  ],
  [
    'a metric that Gnocchi does not show to the author',
    () => metrics('m1'),
    '/gnocchi_aggregation_by_metrics_threshold_rule/metrics/0',
    WITH_TOKEN,
  ],
  ['a query that Prometheus refuses', () => promql('up('), '/prometheus_rule/query', ADMIN],
  ['a query that cannot be limited to a project', () => promql('up('), '/prometheus_rule/query'],
  ['a backend that is not there', () => ({ ...promql('up'), tocsin: { backend: 'east' } }), '/tocsin/backend'],
  ['a backend for meters', () => thresholdBody({ tocsin: { backend: 'east' } }), '/tocsin/backend'],
  ['a rule that is no object', () => withSecond(7), '/composite_rule/and/1/or/1'],
  ['an operator', () => withSecond({ nor: [] }), '/composite_rule/and/1/or/1'],
  ['rules that are no list', () => withSecond({ or: 7 }), '/composite_rule/and/1/or/1'],
  ['a rule without a type', () => withSecond({ query: 'up', threshold: 1 }), '/composite_rule/and/1/or/1'],
  [
    'a type that cannot be in a composite rule',
    () => withSecond({ type: 'event', query: [] }),
    '/composite_rule/and/1/or/1/type',
  ],
  [
    'an unknown field of a rule in a composite one',
    () => withSecond(leaf({ qery: 'x' })),
    '/composite_rule/and/1/or/1/qery',
  ],
  [
    'an unknown option of a rule in a composite one',
    () => withSecond(leaf({ tocsin: { lag: 1 } })),
    '/composite_rule/and/1/or/1/tocsin/lag',
  ],
  ['a query within a composite rule', () => withSecond(leaf({ query: 'up(' })), '/composite_rule/and/1/or/1/query'],
  [
    'a backend within a composite rule',
    () => withSecond(leaf({ tocsin: { backend: 'east' } })),
    '/composite_rule/and/1/or/1/tocsin/backend',
  ],
  ['too many rules', () => composite({ or: Array.from({ length: 21 }, () => leaf()) }), '/composite_rule'],
  ['a member that is not there', () => combination([ids.one, ids.one, MISSING]), '/combination_rule/alarm_ids/2'],
  ['one member', () => combination([ids.one]), '/combination_rule/alarm_ids'],
  ['a character that cannot be stored', () => thresholdBody({ name: 'a\0b' }), '/name'],
];

test.each(IN_THE_ALARM)('a refusal of %s names the field', async (_, body, pointer, as = MEMBER) => {
  const create = await api.ask('POST', '/v2/alarms', { as, body: body() });
  expect([create.status >= 400 && create.status < 500, create.headers['tocsin-field']]).toEqual([true, pointer]);
});

test.each(IN_THE_ALARM)('a refusal of %s names the field, in an edit, too', async (_, body, pointer, as = MEMBER) => {
  const edit = await api.ask('PUT', `/v2/alarms/${ids.own}`, { as, body: body() });
  const isIgnored = ['/project_id', '/user_id'].includes(pointer); // in an edit, as in Aodh
  expect(edit.headers['tocsin-field']).toBe(isIgnored ? undefined : pointer);
});

/** Refusals that come only when the alarm is stored, or whose cause a draft does not have. */
const ONLY_STORED = [
  'a trust action without a token',
  'a trust that Keystone refuses',
  'a receiver with a private address',
  'a bad subscriber of Zaqar',
];

test.each(IN_THE_ALARM.filter(([what]) => !ONLY_STORED.includes(what)))(
  'a request for values of a draft names the field within the alarm at a refusal of %s',
  async (_, body, pointer, as = MEMBER) => {
    const values = await api.ask('POST', '/v1/alarms/values', { as, body: { alarm: body(), ...SPAN } });
    expect(values.headers['tocsin-field']).toBe(`/alarm${pointer}`);
  },
);

test.each<[what: string, path: string, body: () => Body, pointer: string]>([
  [
    'an end in the future',
    '/v1/alarms/values',
    () => ({ alarm: acts([]), ...SPAN, stop: '2099-01-01T00:00:00Z' }),
    '/stop',
  ],
  [
    'a start after its end',
    '/v2/alarms/backtest',
    () => ({ alarm: promql('up'), ...SPAN, start: SPAN.stop }),
    '/start',
  ],
  [
    'too many evaluations',
    '/v2/alarms/backtest',
    () => ({ alarm: promql('up'), ...SPAN, step: 1, start: '2020-01-01' }),
    '/stop',
  ],
  [
    'too many points',
    '/v1/alarms/values',
    () => ({ alarm: acts([]), ...SPAN, step: 1, start: '2025-12-01T00:00:00Z' }),
    '/step',
  ],
  [
    'a type that cannot be backtested',
    '/v2/alarms/backtest',
    () => ({ alarm: event({ field: 'f', value: 'v' }), ...SPAN }),
    '/alarm/type',
  ],
  [
    'an action of a backtest',
    '/v2/alarms/backtest',
    () => ({ alarm: acts(['htp:/x']), ...SPAN }),
    '/alarm/alarm_actions/0',
  ],
  [
    'a trust action',
    '/v1/alarms/test-fire',
    () => fired([HOOK, 'trust+https://other.example/']),
    '/alarm/alarm_actions/1',
  ],
  ['an action of admins', '/v1/alarms/test-fire', () => fired([HOOK, 'log://']), '/alarm/alarm_actions/1'],
  [
    'a forbidden address',
    '/v1/alarms/test-fire',
    () => fired([HOOK, HOOK, 'http://10.0.0.1/']),
    '/alarm/alarm_actions/2',
  ],
  [
    'a foreign project',
    '/v1/alarms/test-fire',
    () => fired([HOOK], { alarm: acts([HOOK], { project_id: 'p2' }) }),
    '/alarm/project_id',
  ],
  ['another name', '/v1/alarms/test-fire', () => fired([HOOK], { confirm: 'other' }), '/confirm'],
  ['a state without actions', '/v1/alarms/test-fire', () => fired([HOOK], { state: 'ok' }), '/state'],
  ['no action', '/v1/alarms/test-fire', () => fired([HOOK], { actions: [] }), '/actions'],
  ['a position beyond the list', '/v1/alarms/test-fire', () => fired([HOOK], { actions: [0, 7] }), '/actions/1'],
  [
    'an action that the draft has not',
    '/v1/alarms/test-fire',
    () => fired([HOOK], { actions: ['http://other.example/'] }),
    '/actions/0',
  ],
])('a refusal of %s names the field', async (_, path, body, pointer) => {
  const answer = await api.ask('POST', path, { as: MEMBER, body: body() });
  expect([answer.status < 500, answer.headers['tocsin-field']]).toEqual([true, pointer]);
});

function fired(actions: string[], fields: Body = {}): Body {
  return { alarm: acts(actions), confirm: 'cpu high', ...fields };
}

test.each<[what: string, body: () => Body, pointer: string, as: Caller]>([
  ['the rule, for members', () => promql('up'), '/prometheus_rule', MEMBER],
  ['the rule within a composite one, for members', () => withSecond(leaf()), '/composite_rule/and/0/or/0', MEMBER],
  ['the rule of a project, for admins', () => ({ ...promql('up'), project_id: 'p1' }), '/prometheus_rule', ADMIN],
])('without tenancy in Prometheus, a refusal names %s', async (_, body, pointer, as) => {
  const answer = await bare.ask('POST', '/v2/alarms', { as, body: body() });
  expect([answer.status, answer.headers['tocsin-field']]).toEqual([403, pointer]);
});

test('a combination that contains itself is refused at its members', async () => {
  const outer = await api.create(combination([ids.own, ids.one]), MEMBER);
  const refused = await Promise.all(
    [
      [ids.one, ids.own],
      [ids.one, outer],
    ].map((members) => api.ask('PUT', `/v2/alarms/${ids.own}`, { as: MEMBER, body: combination(members) })),
  );
  expect(refused.map(({ headers }) => headers['tocsin-field'])).toEqual([
    '/combination_rule/alarm_ids/1',
    '/combination_rule/alarm_ids',
  ]);
});

test.each<[reason: string, method: string, path: () => string, body: unknown, as?: Caller]>([
  ['the body is missing', 'POST', () => '/v2/alarms', undefined],
  ['the body is no object', 'POST', () => '/v2/alarms', []],
  ['the alarm is missing', 'PUT', () => `/v2/alarms/${MISSING}`, thresholdBody()],
  [
    'the values of a stored alarm have no body',
    'GET',
    () => `/v1/alarms/${ids.one}/values?start=2026-01-01&stop=2099-01-01`,
    undefined,
  ],
  [
    'the caller has no role',
    'POST',
    () => '/v2/alarms',
    thresholdBody(),
    { 'x-user-id': 'u', 'x-project-id': 'p1', 'x-roles': 'x' },
  ],
])('a refusal names no field if %s', async (_, method, path, body, as = MEMBER) => {
  const answer = await api.ask(method, path(), { as, body });
  expect([answer.status >= 400 && answer.status < 500, answer.headers['tocsin-field']]).toEqual([true, undefined]);
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { pythonRepr } from '../../src/alarm/wire/python-json.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type Answered, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Fields = Record<string, unknown>;

const READING_MEMBER: Caller = { ...MEMBER, 'x-roles': 'member,reader' };
const RESOURCES = 'gnocchi_resources_threshold';
const BY_METRICS = 'gnocchi_aggregation_by_metrics_threshold';
const BY_RESOURCES = 'gnocchi_aggregation_by_resources_threshold';
const HEALTH = 'loadbalancer_member_health';

/** The mandatory fields of each kind. */
const NEEDED: Record<string, Fields> = {
  [RESOURCES]: {
    metric: 'cpu',
    resource_id: 'r1',
    resource_type: 'instance',
    threshold: 50,
    aggregation_method: 'mean',
  },
  [BY_METRICS]: { metrics: ['m1', 'm2'], threshold: 50, aggregation_method: 'mean' },
  [BY_RESOURCES]: {
    metric: 'cpu',
    query: '{"=":{"server_group":"g"}}',
    resource_type: 'instance',
    threshold: 50,
    aggregation_method: 'mean',
  },
  prometheus: { query: 'up', threshold: 1 },
  [HEALTH]: { pool_id: 'pool', stack_id: 'stack', autoscaling_group_id: 'group' },
  composite: { and: [] },
};
const KINDS = Object.keys(NEEDED);
const GNOCCHI_KINDS = [RESOURCES, BY_METRICS, BY_RESOURCES];

function bodyOf(type: string, rule: unknown, fields: Fields = {}): Fields {
  return { name: 'n', type, [`${type}_rule`]: rule, ...fields };
}

function withFields(type: string, fields: Fields): Fields {
  return bodyOf(type, { ...NEEDED[type], ...fields });
}

function leaf(type: string, fields: Fields = {}): Fields {
  return { ...NEEDED[type], type, ...fields };
}

async function post(body: unknown, as: Caller = ADMIN): Promise<Answered> {
  return api.ask('POST', '/v2/alarms', { as, body });
}

/** The text of the rule in an answer; it stands at the end. */
function ruleText({ text }: Answered): string {
  return text.slice(text.indexOf('_rule": ') + '_rule": '.length, -1);
}

function ruleIn(answer: Answered): Fields {
  const alarm = answer.json();
  return alarm[`${String(alarm['type'])}_rule`] as Fields;
}

/** Aodh's sentence for one field. */
function invalid(field: string, value: string, message: string): string {
  return `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;
}

const MISSING = 'Mandatory field missing.';
const COMMON =
  '"comparison_operator": "eq", "threshold": 50.0, "aggregation_method": ' +
  '"mean", "evaluation_periods": 1, "granularity": 60}';

describe('a rule is answered', () => {
  test.each<[string, unknown, string]>([
    [RESOURCES, NEEDED[RESOURCES], `{"metric": "cpu", "resource_id": "r1", "resource_type": "instance", ${COMMON}`],
    [
      RESOURCES,
      {
        granularity: '300',
        evaluation_periods: 2.9,
        comparison_operator: 'gt',
        threshold: '0.5',
        aggregation_method: 'rate:mean',
        ...{ resource_type: 't', resource_id: 'r', metric: 'm' },
      },
      '{"metric": "m", "resource_id": "r", "resource_type": "t", "comparison_operator": "gt", "threshold": 0.5, ' +
        '"aggregation_method": "rate:mean", "evaluation_periods": 2, "granularity": 300}',
    ],
    [BY_METRICS, NEEDED[BY_METRICS], `{"metrics": ["m1", "m2"], ${COMMON}`],
    [BY_METRICS, { ...NEEDED[BY_METRICS], metrics: [] }, `{"metrics": [], ${COMMON}`],
    [
      BY_RESOURCES,
      NEEDED[BY_RESOURCES],
      `{"metric": "cpu", "query": "{\\"=\\":{\\"server_group\\":\\"g\\"}}", "resource_type": "instance", ${COMMON}`,
    ],
    ['prometheus', NEEDED['prometheus'], '{"comparison_operator": "eq", "threshold": 1.0, "query": "up"}'],
    [HEALTH, NEEDED[HEALTH], '{"pool_id": "pool", "stack_id": "stack", "autoscaling_group_id": "group"}'],
    ['composite', { and: [] }, '{"and": []}'],
    [
      'composite',
      { or: [leaf('prometheus'), { and: [leaf(BY_METRICS, { granularity: 5 })] }] },
      '{"or": [{"query": "up", "threshold": 1.0, "comparison_operator": "eq", "type": "prometheus"}, ' +
        '{"and": [{"metrics": ["m1", "m2"], "threshold": 50.0, "aggregation_method": "mean", "granularity": 5, ' +
        `"comparison_operator": "eq", "evaluation_periods": 1, "type": "${BY_METRICS}"}]}]}`,
    ],
    [
      'composite',
      leaf('prometheus', { threshold: '2' }),
      '{"query": "up", "threshold": 2.0, "comparison_operator": "eq", "type": "prometheus"}',
    ],
  ])('of %s (%j)', async (type, rule, expected) => {
    const created = await post(bodyOf(type, rule));
    expect([created.status, created.fault]).toEqual([201, undefined]);
    expect(ruleText(created)).toBe(expected);
    expect(created.json()).toMatchObject({ type, description: `${type} alarm rule`, state: 'insufficient data' });
    const read = await api.ask('GET', `/v2/alarms/${String(created.json()['alarm_id'])}`);
    expect(ruleText(read)).toBe(expected);
  });

  test.each(GNOCCHI_KINDS)('with defaults for the nulls that Heat sends: %s', async (type) => {
    const nulls = { comparison_operator: null, evaluation_periods: null, granularity: null };
    const answer = await post({
      ...withFields(type, nulls),
      description: null,
      repeat_actions: true,
      time_constraints: [],
    });
    expect([answer.status, ruleText(answer).endsWith(COMMON)]).toEqual([201, true]);
  });

  test('with defaults for the nulls that Heat sends: prometheus', async () => {
    const answer = await post(withFields('prometheus', { comparison_operator: null }));
    expect(ruleIn(answer)['comparison_operator']).toBe('eq');
  });

  test.each(KINDS)('in a list: %s', async (type) => {
    const id = await api.create(withFields(type, {}));
    const listed = await api.ask('GET', `/v2/alarms?q.field=type&q.value=${type}`);
    const alarm = listed.json<Fields[]>().find(({ alarm_id }) => alarm_id === id);
    expect(alarm).toHaveProperty(`${type}_rule`);
  });
});

describe('a rule is refused', () => {
  const mandatory = KINDS.flatMap((type) =>
    Object.keys(NEEDED[type] as Fields).map((field) => [type, field] as const),
  ).filter(([type]) => type !== 'composite');
  test.each(mandatory)('that is %s without %s, or with null for it', async (type, field) => {
    for (const value of [undefined, null]) {
      const answer = await post(withFields(type, { [field]: value }));
      expect([answer.fault, answer.status]).toEqual([invalid(field, 'None', MISSING), 400]);
    }
  });

  test.each(KINDS)('that is missing: %s', async (type) => {
    for (const rule of [undefined, null]) {
      const answer = await post(bodyOf(type, rule));
      expect([answer.fault, answer.status]).toEqual([`${type}_rule must be set for ${type} type alarm`, 400]);
    }
  });

  test('that is one of two', async () => {
    const answer = await post({ ...withFields('prometheus', {}), composite_rule: { and: [] } });
    expect(answer.fault).toBe('composite_rule and prometheus_rule cannot be set at the same time');
  });

  test.each(KINDS.filter((type) => type !== 'composite'))('with an attribute that %s does not have', async (type) => {
    const answer = await post(withFields(type, { zz: 1, threshold: 'x' }));
    expect(answer.fault).toMatch(new RegExp(`^Unknown attributes? for argument data\\.${type}_rule: zz`));
  });

  test.each(['period', 'scope_to_project'])('with %s, which prometheus does not have', async (name) => {
    const answer = await post(withFields('prometheus', { [name]: 'p1' }));
    expect([answer.fault, answer.status]).toEqual([
      `Unknown attribute for argument data.prometheus_rule: ${name}`,
      400,
    ]);
  });

  const wrongType = (got: string): string => `Wrong type. Expected '<class 'str'>', got '<class '${got}'>'`;
  const longerThan = (max: number): string => `Value should have a maximum character requirement of ${max}`;
  const shown = `${'x'.repeat(200)}…`;

  test.each<[string, Fields, string]>([
    [RESOURCES, { metric: 3 }, invalid('metric', '3', wrongType('int'))],
    [RESOURCES, { aggregation_method: [] }, invalid('aggregation_method', '[]', wrongType('list'))],
    [RESOURCES, { resource_id: 'x'.repeat(256) }, invalid('resource_id', shown, longerThan(255))],
    [
      RESOURCES,
      { comparison_operator: '>' },
      invalid('comparison_operator', '>', 'Value should be one of: lt, le, eq, ne, ge, gt'),
    ],
    [RESOURCES, { threshold: 'x' }, invalid('threshold', 'x', "could not convert string to float: 'x'")],
    [RESOURCES, { threshold: '1e999' }, invalid('threshold', '1e999', 'Value should be a finite number')],
    [RESOURCES, { evaluation_periods: 0 }, invalid('evaluation_periods', '0', 'Value should be greater or equal to 1')],
    [
      RESOURCES,
      { evaluation_periods: 101 },
      invalid('evaluation_periods', '101', 'Value should be lower or equal to 100'),
    ],
    [
      RESOURCES,
      { evaluation_periods: 'x' },
      invalid('evaluation_periods', 'x', "invalid literal for int() with base 10: 'x'"),
    ],
    [RESOURCES, { granularity: 0 }, invalid('granularity', '0', 'Value should be greater or equal to 1')],
    [
      RESOURCES,
      { granularity: 31_536_001 },
      invalid('granularity', '31536001', 'Value should be lower or equal to 31536000'),
    ],
    [BY_METRICS, { metrics: 'm1' }, invalid('metrics', 'm1', 'Value not a valid list: m1')],
    [BY_METRICS, { metrics: [3] }, invalid('metrics', '[3]', wrongType('int'))],
    [
      BY_METRICS,
      { metrics: Array(51).fill('m') },
      invalid('metrics', `${pythonRepr(Array(51).fill('m')).slice(0, 200)}…`, 'Value should have at most 50 members'),
    ],
    [BY_RESOURCES, { query: 'bad' }, invalid('rule/query', 'bad', '')],
    [BY_RESOURCES, { query: { '=': {} } }, invalid('query', "{'=': {}}", wrongType('dict'))],
    [BY_RESOURCES, { query: `"${'x'.repeat(4095)}"` }, invalid('query', `"${'x'.repeat(199)}…`, longerThan(4096))],
    ['prometheus', { query: 'x'.repeat(4097) }, invalid('query', shown, longerThan(4096))],
    ['prometheus', { query: 1 }, invalid('query', '1', wrongType('int'))],
    [HEALTH, { pool_id: 1 }, invalid('pool_id', '1', wrongType('int'))],
  ])('that is %s with %j', async (type, fields, fault) => {
    const answer = await post(withFields(type, fields));
    expect([answer.fault, answer.status]).toEqual([fault, 400]);
  });

  test.each<[string, Fields]>([
    [RESOURCES, { evaluation_periods: 100, granularity: 31_536_000, resource_id: 'x'.repeat(255) }],
    [BY_METRICS, { metrics: Array(50).fill('m') }],
    [BY_RESOURCES, { query: `"${'x'.repeat(4094)}"` }],
    ['prometheus', { query: 'x'.repeat(4096) }],
  ])('but not at its limit: %s', async (type, fields) => {
    expect((await post(withFields(type, fields))).status).toBe(201);
  });
});

describe('a composite rule is refused', () => {
  const combined = 'Threshold rules should be combined with "and" or "or"';
  const noType = 'type must be set in every rule';
  const malformed = (value: string): string =>
    `Invalid input composite rule: ${value}, it should be a dict with an "and" or ` +
    `"or" as key, and the value of dict should be ` +
    'a list of basic threshold rules or sub composite rules, can be nested.';
  const unsupported = (type: string): string =>
    `Unsupported sub-rule type :${type} in composite rule, should be one of: ` +
    "['gnocchi_aggregation_by_metrics_threshold', " +
    "'gnocchi_aggregation_by_resources_threshold', 'gnocchi_resources_threshold', 'prometheus']";
  const good = leaf('prometheus');

  test.each<[string, unknown, string]>([
    ['with another word', { not: [good] }, combined],
    ['in capitals', { AND: [good] }, combined],
    ['of a leaf with a type only', { type: 'prometheus' }, combined],
    ['of a list', [good], malformed(pythonRepr([good]))],
    ['of text', 'foo', malformed('foo')],
    ['of a number', 5, malformed('5')],
    ['with an object to combine', { and: good }, malformed(pythonRepr({ and: good }))],
    ['with null to combine', { or: null }, malformed("{'or': None}")],
    ['with null among its rules', { and: [good, null] }, malformed('None')],
    ['with text among its rules', { and: ['x'.repeat(300)] }, malformed(`${'x'.repeat(200)}…`)],
    ['with a list among its rules', { and: [[]] }, malformed('[]')],
    ['without anything', {}, noType],
    ['of and beside or', { and: [good], or: [good] }, noType],
    ['without a type', { and: [NEEDED['prometheus']] }, noType],
    ['of an empty type', { and: [leaf('prometheus', { type: '' })] }, noType],
    ['of type null', { and: [leaf('prometheus', { type: null })] }, noType],
    ['of an event', { or: [{ type: 'event', event_type: '*' }] }, unsupported('event')],
    ['of a composite', { type: 'composite', composite_rule: {} }, unsupported('composite')],
    ['of a legacy threshold', { type: 'threshold', meter_name: 'm' }, unsupported('threshold')],
    ['of type 5', { type: 5, query: 'up' }, unsupported('5')],
    ['with an unknown attribute', { ...good, foo: 1 }, 'Unknown attribute for argument data.composite_rule: foo'],
    [
      'with an unknown attribute within',
      { and: [good, { or: [{ ...good, foo: 1, threshold: 'x' }] }] },
      'Unknown attribute for argument data.composite_rule: foo',
    ],
    [
      'with a project',
      { and: [leaf('prometheus', { scope_to_project: 'p2' })] },
      'Unknown attribute for argument data.composite_rule: scope_to_project',
    ],
    [
      'with false for a threshold',
      { or: [leaf(BY_METRICS, { threshold: false }), good] },
      invalid('threshold', 'False', "Wrong type. Expected '<class 'float'>', got '<class 'bool'>'"),
    ],
    [
      'with text for a number of periods',
      { or: [leaf(BY_METRICS, { evaluation_periods: '5' })] },
      invalid('evaluation_periods', '5', "Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ],
    [
      'with text for a granularity',
      leaf(RESOURCES, { granularity: '60' }),
      invalid('granularity', '60', "Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ],
    [
      'without a threshold',
      { or: [leaf('prometheus', { threshold: undefined })] },
      invalid('threshold', 'None', MISSING),
    ],
    [
      'with null for a threshold',
      { or: [leaf('prometheus', { threshold: null })] },
      invalid('threshold', 'None', MISSING),
    ],
    [
      'with too many periods',
      { or: [good, leaf(RESOURCES, { evaluation_periods: 101 })] },
      invalid('evaluation_periods', '101', 'Value should be lower or equal to 100'),
    ],
    ['with a search that is no JSON', { or: [leaf(BY_RESOURCES, { query: 'bad' })] }, invalid('rule/query', 'bad', '')],
    [
      'that is too deep',
      { and: [{ and: [{ and: [{ and: [{ and: [] }] }] }] }] },
      invalid(
        'composite_rule',
        "{'and': [{'and': [{'and': [{'and': [{'and': []}]}]}]}]}",
        'Value should be nested at most 4 levels deep',
      ),
    ],
  ])('%s', async (_, rule, fault) => {
    const answer = await post(bodyOf('composite', rule));
    expect([answer.fault, answer.status]).toEqual([fault, 400]);
  });

  test('of more than twenty rules', async () => {
    const answer = await post(bodyOf('composite', { and: Array(21).fill(good) }));
    expect(answer.fault).toMatch(
      /^Invalid input for field\/attribute composite_rule\. .*Value should have at most 20 rules$/,
    );
  });

  test('and a good one with a prometheus rule is not, once a prometheus alarm is there', async () => {
    await api.create(withFields('prometheus', {}), MEMBER);
    expect((await post(bodyOf('composite', { and: [good] }), MEMBER)).status).toBe(201);
  });
});

describe('a tenant is kept to the own project', () => {
  const narrowed = '{"and": [{"=": {"created_by_project_id": "p1"}}, {"=": {"server_group": "g"}}]}';

  test('by its search, which a client may read and send back, again and again', async () => {
    const created = await post(withFields(BY_RESOURCES, {}), READING_MEMBER);
    expect(ruleIn(created)['query']).toBe(narrowed);
    const path = `/v2/alarms/${String(created.json()['alarm_id'])}`;
    for (const as of [READING_MEMBER, ADMIN, READING_MEMBER]) {
      const read = await api.ask('GET', path, { as });
      expect(ruleIn(read)['query']).toBe(narrowed);
      const put = await api.ask('PUT', path, { as, body: read.json() });
      expect([put.status, ruleIn(put)['query']]).toEqual([200, narrowed]);
    }
    const raw = await api.ask('PUT', path, { as: READING_MEMBER, body: withFields(BY_RESOURCES, {}) });
    expect(ruleIn(raw)['query']).toBe(narrowed);
  });

  test('though its search names another', async () => {
    const foreign = narrowed.replace('p1', 'p2');
    const answer = await post(withFields(BY_RESOURCES, { query: foreign }), MEMBER);
    expect(ruleIn(answer)['query']).toBe(`{"and": [{"=": {"created_by_project_id": "p1"}}, ${foreign}]}`);
  });

  test('by an admin who writes for it, and an admin for itself is not', async () => {
    const forIt = await post({ ...withFields(BY_RESOURCES, {}), project_id: 'p1' });
    expect(ruleIn(forIt)['query']).toBe(narrowed);
    const own = await post({ ...withFields(BY_RESOURCES, {}), project_id: 'ops' });
    expect(ruleIn(own)['query']).toBe('{"=":{"server_group":"g"}}');
  });

  test.each<[string, unknown, string]>([
    ['prometheus', NEEDED['prometheus'], '"query": "up", "scope_to_project": "p1"}'],
    [
      'composite',
      { or: [leaf('prometheus')] },
      '"comparison_operator": "eq", "scope_to_project": "p1", "type": "prometheus"}]}',
    ],
  ])('by a part of its %s rule that only the history shows', async (type, rule, stored) => {
    const created = await post(bodyOf(type, rule), READING_MEMBER);
    expect(created.text).not.toContain('scope_to_project');
    const path = `/v2/alarms/${String(created.json()['alarm_id'])}`;
    const lastDetail = async (): Promise<string> => {
      const history = await api.ask('GET', `${path}/history`, { as: READING_MEMBER });
      return history.json<{ detail: string }[]>()[0]?.detail ?? '';
    };
    expect(await lastDetail()).toContain(stored);
    await api.clock.advance(1_000); // so that the later entry is the first one listed
    const put = await api.ask('PUT', path, { as: READING_MEMBER, body: { ...created.json<Fields>(), state: 'ok' } });
    expect([put.status, ruleText(put)]).toEqual([200, ruleText(created)]);
    // The rule did not change
    expect(await lastDetail()).toBe('{"state": "ok", "state_reason": "Manually set via API"}');
  });

  test.each<[string, unknown]>([
    [RESOURCES, NEEDED[RESOURCES]],
    [BY_METRICS, NEEDED[BY_METRICS]],
    ['composite', { or: [leaf(RESOURCES)] }],
  ])('by a hidden part of its %s rule', async (type, rule) => {
    const created = await post(bodyOf(type, rule), READING_MEMBER);
    const path = `/v2/alarms/${String(created.json()['alarm_id'])}/history`;
    const history = await api.ask('GET', path, { as: READING_MEMBER });
    expect(created.text + history.text).not.toContain('scope_to_project');
    const { rows } = await db.query<{ rule: string }>('select rule from alarms where id = $1', [
      created.json()['alarm_id'],
    ]);
    expect(rows[0]?.rule).toContain('"scope_to_project": "p1"');
  });

  test('in every rule of a composite one', async () => {
    const rule = { or: [leaf('prometheus'), { and: [leaf(BY_RESOURCES)] }] };
    const created = await post(bodyOf('composite', rule), READING_MEMBER);
    const search = `"query": ${JSON.stringify(narrowed)}`;
    expect(ruleText(created)).toContain(search);
    const path = `/v2/alarms/${String(created.json()['alarm_id'])}`;
    const put = await api.ask('PUT', path, { as: READING_MEMBER, body: created.json<Fields>() });
    expect(ruleText(put)).toBe(ruleText(created));
    const history = await api.ask('GET', `${path}/history`, { as: READING_MEMBER });
    expect(
      history.json<{ detail: string }[]>().map(({ detail }) => detail.split('"scope_to_project": "p1"').length - 1),
    ).toEqual([1]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type Answered, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';

/** Bodies that Heat's resource types send through aodhclient: all properties of the type, unset ones as null. */

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

const SIGNED =
  'http://10.0.0.5:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3A5f1e%3Astacks/asg/0a7a15ff/resources/scaleup_policy' +
  '?SignatureMethod=HmacSHA256&SignatureVersion=2&AWSAccessKeyId=abc&Signature=x%2By%2Fz%3D';

type Body = Record<string, unknown>;

/** The properties that all of Heat's alarms have, as they go out when a template sets none of them. */
function common(fields: Body): Body {
  return {
    name: 'stack-alarm-x7k2p',
    description: null,
    enabled: true,
    alarm_actions: [],
    ok_actions: [],
    insufficient_data_actions: [],
    repeat_actions: true,
    severity: 'low',
    time_constraints: [],
    ...fields,
  };
}

const UNSET = { comparison_operator: null, evaluation_periods: null, granularity: null };
const DEFAULTS = { comparison_operator: 'eq', evaluation_periods: 1, granularity: 60 };

const LEAF = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu_util',
  resource_id: 'r1',
  resource_type: 'instance',
  aggregation_method: 'mean',
  threshold: 50,
};

interface Row {
  resource: string;
  body: Body;
  /** The rule as it is answered. */
  rule: Body;
}

const ROWS: Row[] = [
  {
    resource: 'OS::Aodh::GnocchiResourcesAlarm',
    body: common({
      type: 'gnocchi_resources_threshold',
      description: 'Do stuff with gnocchi',
      gnocchi_resources_threshold_rule: {
        metric: 'cpu_util',
        aggregation_method: 'mean',
        granularity: 60,
        evaluation_periods: 1,
        threshold: 50,
        resource_type: 'instance',
        resource_id: '5a517ceb-b068-4aca-9eb9-3e4eb9b90d9a',
        comparison_operator: 'gt',
      },
    }),
    rule: {
      metric: 'cpu_util',
      resource_id: '5a517ceb-b068-4aca-9eb9-3e4eb9b90d9a',
      resource_type: 'instance',
      comparison_operator: 'gt',
      threshold: 50,
      aggregation_method: 'mean',
      evaluation_periods: 1,
      granularity: 60,
    },
  },
  {
    resource: 'OS::Aodh::GnocchiResourcesAlarm with nothing optional set',
    body: common({
      type: 'gnocchi_resources_threshold',
      gnocchi_resources_threshold_rule: { ...LEAF, type: undefined, ...UNSET },
    }),
    rule: {
      metric: 'cpu_util',
      resource_id: 'r1',
      resource_type: 'instance',
      aggregation_method: 'mean',
      threshold: 50,
      ...DEFAULTS,
    },
  },
  {
    resource: 'OS::Aodh::GnocchiAggregationByMetricsAlarm',
    body: common({
      type: 'gnocchi_aggregation_by_metrics_threshold',
      gnocchi_aggregation_by_metrics_threshold_rule: {
        metrics: ['911fce07-e0d7-4210-8c8c-4a9d811fcabc', '2543d435-fe93-4443-9351-fb0156930f94'],
        aggregation_method: 'mean',
        threshold: 50,
        ...UNSET,
      },
    }),
    rule: {
      metrics: ['911fce07-e0d7-4210-8c8c-4a9d811fcabc', '2543d435-fe93-4443-9351-fb0156930f94'],
      aggregation_method: 'mean',
      threshold: 50,
      ...DEFAULTS,
    },
  },
  {
    resource: 'OS::Aodh::PrometheusAlarm',
    body: common({
      type: 'prometheus',
      prometheus_rule: { query: 'some_metric{label="v"}', threshold: 10, comparison_operator: null },
    }),
    rule: { comparison_operator: 'eq', threshold: 10, query: 'some_metric{label="v"}' },
  },
  {
    resource: 'OS::Aodh::EventAlarm',
    body: common({ type: 'event', event_rule: { event_type: '*' } }),
    rule: { event_type: '*', query: [] },
  },
  {
    resource: 'OS::Aodh::EventAlarm with a query',
    body: common({
      type: 'event',
      event_rule: {
        event_type: 'compute.instance.update',
        query: [{ field: 'traits.instance_id', type: 'string', op: 'eq', value: 'a' }],
      },
    }),
    rule: {
      event_type: 'compute.instance.update',
      query: [{ field: 'traits.instance_id', op: 'eq', type: 'string', value: 'a' }],
    },
  },
  {
    resource: 'OS::Aodh::LBMemberHealthAlarm',
    body: common({
      type: 'loadbalancer_member_health',
      alarm_actions: ['http://h/'],
      loadbalancer_member_health_rule: { pool_id: 'pool', stack_id: 'stack', autoscaling_group_id: 'asg' },
    }),
    rule: { pool_id: 'pool', stack_id: 'stack', autoscaling_group_id: 'asg' },
  },
  {
    resource: 'OS::Aodh::CompositeAlarm',
    body: common({ type: 'composite', composite_rule: { or: [LEAF, { and: [LEAF, { ...LEAF, threshold: 3 }] }] } }),
    rule: {
      or: [
        { ...LEAF, ...DEFAULTS },
        {
          and: [
            { ...LEAF, ...DEFAULTS },
            { ...LEAF, ...DEFAULTS, threshold: 3 },
          ],
        },
      ],
    },
  },
  {
    resource: 'OS::Aodh::Alarm',
    body: common({
      type: 'threshold',
      threshold_rule: {
        meter_name: 'cpu_util',
        statistic: null,
        period: 60,
        evaluation_periods: 1,
        threshold: 50,
        comparison_operator: 'gt',
        query: [{ field: 'metadata.metering.stack_id', op: 'eq', value: 's1' }],
      },
    }),
    rule: {
      period: 60,
      comparison_operator: 'gt',
      threshold: 50,
      statistic: 'avg',
      evaluation_periods: 1,
      meter_name: 'cpu_util',
      exclude_outliers: false,
      query: [
        { field: 'metadata.metering.stack_id', op: 'eq', value: 's1', type: '' },
        { field: 'project_id', op: 'eq', value: 'p1', type: '' },
      ],
    },
  },
];

function create(body: Body): Promise<Answered> {
  return api.ask('POST', '/v2/alarms', { as: MEMBER, body });
}

/** aodhclient's update: the document that it read, with the changes merged in, those of the rule key by key. */
async function update(id: string, changes: Body): Promise<Answered> {
  const document = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
  const merged = { ...document, ...changes };
  for (const [key, value] of Object.entries(changes)) {
    const before = document[key];
    if (key.endsWith('_rule') && key !== 'composite_rule' && typeof before === 'object')
      merged[key] = { ...before, ...(value as Body) };
  }
  return api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: merged });
}

describe.each(ROWS)('$resource', ({ body, rule }) => {
  const type = String(body['type']);

  test('is created, with nulls as defaults', async () => {
    const answer = await create(body);
    expect([answer.status, answer.fault]).toEqual([201, undefined]);
    expect(answer.json()).toMatchObject({
      type,
      name: body['name'],
      enabled: true,
      repeat_actions: true,
      severity: 'low',
      state: 'insufficient data',
      state_reason: 'Not evaluated yet',
      project_id: 'p1',
    });
    expect(answer.json()[`${type}_rule`]).toEqual(rule);
  });

  test('lives through update, suspend, resume, check and deletion', async () => {
    const id = (await create(body)).json<{ alarm_id: string }>().alarm_id;
    const before = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    for (const changes of [{ enabled: false }, { enabled: true }])
      expect((await update(id, changes)).json()).toMatchObject(changes);
    const { name: _, ...withoutName } = body;
    expect((await update(id, { ...withoutName, severity: 'critical' })).json()).toMatchObject({
      name: body['name'],
      severity: 'critical',
    });
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json()[`${type}_rule`]).toEqual(
      before[`${type}_rule`],
    );
    expect((await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER })).status).toBe(204);
    expect((await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER })).status).toBe(404);
  });

  test('keeps the signed URL of its scaling policy byte for byte through every update', async () => {
    const id = (await create({ ...body, alarm_actions: [SIGNED] })).json<{ alarm_id: string }>().alarm_id;
    await update(id, { enabled: false });
    const { rows } = await db.query<{ alarm_actions: string[] }>('select alarm_actions from alarms where id = $1', [
      id,
    ]);
    expect(rows[0]?.alarm_actions).toEqual([expect.stringMatching(/^sealed:.*&Signature=\*\*\*$/)]);
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json()).toMatchObject({
      alarm_actions: [SIGNED],
    });
  });
});

test('an update of a composite alarm that sends empty lists of actions is accepted, and empties them', async () => {
  const composite = { or: [LEAF, LEAF] };
  const actions = { alarm_actions: [SIGNED], ok_actions: [SIGNED], insufficient_data_actions: [SIGNED] };
  const created = await create(common({ type: 'composite', composite_rule: composite, ...actions }));
  const id = created.json<{ alarm_id: string }>().alarm_id;
  for (const list of Object.keys(actions)) {
    const answer = await update(id, { [list]: [] });
    expect([answer.status, answer.json()[list], answer.json()['composite_rule']]).toEqual([
      200,
      [],
      created.json()['composite_rule'],
    ]);
  }
});

test('an update of a composite rule empties all three lists of actions, as Heat sends it', async () => {
  const actions = { alarm_actions: [SIGNED], ok_actions: [SIGNED], insufficient_data_actions: [SIGNED] };
  const created = await create(common({ type: 'composite', composite_rule: { or: [LEAF, LEAF] }, ...actions }));
  const none = { alarm_actions: [], ok_actions: [], insufficient_data_actions: [] };
  const rule = { and: [LEAF, { ...LEAF, threshold: 3 }] };
  const changed = await update(created.json<{ alarm_id: string }>().alarm_id, { composite_rule: rule, ...none });
  expect([changed.status, changed.fault]).toEqual([200, undefined]);
  const stored = { and: [LEAF, { ...LEAF, threshold: 3 }].map((leaf) => ({ ...leaf, ...DEFAULTS })) };
  expect(changed.json()).toMatchObject({ ...none, composite_rule: stored });
});

test('time constraints have null for properties that the template leaves out', async () => {
  const constraint = { name: 'nights', start: '0 20 * * *', duration: 3600, description: null, timezone: null };
  const answer = await create({ ...(ROWS[0] as Row).body, time_constraints: [constraint] });
  expect(answer.json()['time_constraints']).toEqual([
    { ...constraint, description: 'Time constraint at 0 20 * * * lasting for 3600 seconds', timezone: '' },
  ]);
});

test('a gnocchi rule by resources is created and updated without growing', async () => {
  const rule = {
    metric: 'cpu_util',
    query: '{"=": {"server_group": "my_group"}}',
    resource_type: 'instance',
    aggregation_method: 'mean',
    threshold: 50,
    ...UNSET,
  };
  const key = 'gnocchi_aggregation_by_resources_threshold_rule';
  const created = await create(common({ type: 'gnocchi_aggregation_by_resources_threshold', [key]: rule }));
  const { alarm_id: id, [key]: stored } = created.json<{ alarm_id: string } & Record<typeof key, { query: string }>>();
  expect(stored.query).toBe('{"and": [{"=": {"created_by_project_id": "p1"}}, {"=": {"server_group": "my_group"}}]}');
  for (const changes of [{ enabled: false }, { [key]: { ...rule, query: stored.query } }]) {
    const updated = (await update(id, changes)).json<Record<typeof key, { query: string }>>();
    expect(updated[key].query).toBe(stored.query);
  }
});

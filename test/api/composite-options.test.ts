import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { namedBackends } from '../support/named-backends.js';

/** Options of the rules within composite alarms, as clients give and read them. */

const ruleChecks = namedBackends({ gnocchi: ['east', 'west'], prometheus: ['long-term'] });
const { looked } = ruleChecks;

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { ruleChecks });
});
beforeEach(async () => {
  looked.length = 0;
  await empty(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Json = Record<string, unknown>;

const RESOURCE = 'gnocchi_resources_threshold';
const GROUP = 'gnocchi_aggregation_by_resources_threshold';
const AGGREGATE = {
  metric: 'cpu',
  resource_type: 'instance',
  aggregation_method: 'mean',
  threshold: 80,
  comparison_operator: 'gt',
};
const onResource = (tocsin?: unknown, more: Json = {}): Json => ({
  type: RESOURCE,
  ...AGGREGATE,
  resource_id: 'r1',
  ...more,
  tocsin,
});
const onGroup = (tocsin?: unknown, group = 's'): Json => ({
  type: GROUP,
  ...AGGREGATE,
  query: `{"=": {"server_group": "${group}"}}`,
  tocsin,
});
const onPrometheus = (tocsin?: unknown): Json => ({
  type: 'prometheus',
  query: 'up',
  threshold: 1,
  comparison_operator: 'lt',
  tocsin,
});
const alarm = (composite_rule: unknown, more: Json = {}): Json => ({
  name: 'both',
  type: 'composite',
  composite_rule,
  ...more,
});

const ALL =
  '{"datapoints_to_alarm": 1, "treat_missing_data": "ignore", ' +
  '"clear_threshold": 70.0, "ingestion_lag": 120, "backend": "east"}';

const textOf = async (id: string): Promise<string> => (await api.ask('GET', `/v2/alarms/${id}`)).text;
const optionsIn = (text: string): string[] =>
  [...text.matchAll(/"tocsin": (\{[^}]*\})/g)].map(([, object = '']) => object);
const detailsOf = async (id: string): Promise<string[]> => {
  const answer = await api.ask('GET', `/v2/alarms/${id}/history`);
  return answer.json<{ detail: string }[]>().map(({ detail }) => detail);
};

describe('options of a rule within', () => {
  test('are kept and shown in their rule, and in no other', async () => {
    const id = await api.create(
      alarm({ or: [onResource(JSON.parse(ALL)), { and: [onPrometheus(), onGroup({ ingestion_lag: 5 })] }] }),
    );
    const text = await textOf(id);
    expect(optionsIn(text)).toEqual([ALL, '{"ingestion_lag": 5}']);
    expect(text).toMatch(
      /"tocsin": \{[^}]*\}, "granularity": 60, "evaluation_periods": 1, "type": "gnocchi_resources_threshold"\}/,
    );
    expect(optionsIn((await detailsOf(id))[0] ?? '')).toEqual([ALL, '{"ingestion_lag": 5}']);
    expect((await api.ask('GET', '/v2/alarms')).text).toBe(`[${text}]`);
  });

  test('leave an alarm without any as it is in Aodh', async () => {
    const id = await api.create(alarm({ or: [onResource(), onResource(null), onResource({ backend: null })] }));
    expect(await textOf(id)).not.toContain('tocsin');
    expect((await detailsOf(id))[0]).not.toContain('tocsin');
  });

  test('are kept by who reads the alarm, changes a field and sends it back', async () => {
    const id = await api.create(alarm({ or: [onResource(JSON.parse(ALL)), onPrometheus()] }));
    const read = (await api.ask('GET', `/v2/alarms/${id}`)).json();
    await api.clock.advance(1_000);
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { body: { ...read, severity: 'critical' } });
    expect([answer.status, optionsIn(await textOf(id))]).toEqual([200, [ALL]]);
    expect((await detailsOf(id))[0]).toBe('{"severity": "critical"}');
  });

  test('are beside what of the alarm’s own object a composite one may have', async () => {
    const id = await api.create(
      alarm({ or: [onResource({ ingestion_lag: 5 })] }, { tocsin: { delivery_policy: 'every' } }),
    );
    expect(optionsIn(await textOf(id))).toEqual(['{"ingestion_lag": 5}', '{"delivery_policy": "every"}']);
  });

  test('change the query', async () => {
    const rules = [
      onResource(),
      onResource({ ingestion_lag: 60 }),
      onResource({ backend: 'east' }),
      onResource({ datapoints_to_alarm: 1 }),
    ];
    for (const rule of rules) await api.create(alarm(rule));
    const { rows } = await db.query('select distinct query_key from alarms');
    expect(rows).toHaveLength(3);
  });
});

const invalid = (field: string, value: string, message: string): string =>
  `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;

describe('an option is refused', () => {
  test.each<[string, Json, string]>([
    ['of another type', onResource('east'), invalid('tocsin', 'east', 'Wrong type. Expected an object, got string')],
    [
      'that there is not',
      onResource({ cooldown: 5 }),
      'Unknown attribute for argument data.composite_rule.tocsin: cooldown',
    ],
    [
      'that is of the whole alarm',
      onResource({ delivery_policy: 'every' }),
      'Unknown attribute for argument data.composite_rule.tocsin: delivery_policy',
    ],
    [
      'of no points',
      onResource({ datapoints_to_alarm: 0 }),
      invalid('datapoints_to_alarm', '0', 'Value should be greater or equal to 1'),
    ],
    [
      'of more points than its rule compares',
      onResource({ datapoints_to_alarm: 3 }, { evaluation_periods: 2 }),
      invalid('datapoints_to_alarm', '3', 'It must not be greater than evaluation_periods, which is 2'),
    ],
    [
      'of more points than one moment has',
      onPrometheus({ datapoints_to_alarm: 2 }),
      invalid('datapoints_to_alarm', '2', 'It must not be greater than evaluation_periods, which is 1'),
    ],
    [
      'of an unknown treatment',
      onResource({ treat_missing_data: 'zero' }),
      invalid('treat_missing_data', 'zero', 'Value should be one of: missing, ok, alarm, ignore'),
    ],
    [
      'beyond the threshold',
      onResource({ clear_threshold: 95 }),
      invalid('clear_threshold', '95', 'It must not be greater than the threshold, which is 80'),
    ],
    [
      'of more than a day',
      onResource({ ingestion_lag: 86_401 }),
      invalid('ingestion_lag', '86401', 'Value should be lower or equal to 86400'),
    ],
    [
      'of an unknown backend',
      onGroup({ backend: 'south' }),
      invalid('backend', 'south', 'No backend of kind gnocchi has this name; it should be one of: east, west'),
    ],
    [
      'of a backend of another kind',
      onPrometheus({ backend: 'east' }),
      invalid('backend', 'east', 'No backend of kind prometheus has this name; it should be one of: long-term'),
    ],
  ])('%s', async (_, rule, fault) => {
    const id = await api.create(alarm(onResource()));
    const body = alarm({ or: [onResource({ ingestion_lag: 1 }), { and: [rule, onPrometheus()] }] });
    for (const [method, path] of [
      ['POST', '/v2/alarms'],
      ['PUT', `/v2/alarms/${id}`],
    ] as const) {
      const answer = await api.ask(method, path, { body });
      expect([answer.fault, answer.status]).toEqual([fault, 400]);
    }
  });

  test('in the alarm’s own object, which says where it belongs', async () => {
    const answer = await api.ask('POST', '/v2/alarms', {
      body: alarm(onResource(), { tocsin: { clear_threshold: 70 } }),
    });
    expect(answer.fault).toBe(
      invalid(
        'clear_threshold',
        '70',
        'It cannot be used with alarms of type composite, whose rules can have a tocsin object each',
      ),
    );
  });
});

describe('backends that rules name', () => {
  test('and that are not configured any more are named with the rule that needs them', async () => {
    const third = onResource({ backend: 'east', ingestion_lag: 5 }, { evaluation_periods: 3 });
    const id = await api.create(alarm({ or: [onPrometheus(), third] }));
    const { questions } = (await api.ask('GET', `/v2/alarms/${id}/explain`)).json<{ questions: Json[] }>();
    expect(questions).toMatchObject([
      { rule: { name: 'rule1', type: 'prometheus', verdict: null, options: {} }, window: { evaluation_periods: 1 } },
      {
        rule: { name: 'rule2', type: RESOURCE, verdict: null, options: { backend: 'east', ingestion_lag: 5 } },
        backend: { name: 'east', configured: false },
        window: { evaluation_periods: 3 },
      },
    ]);
  });

  const group = (owner: string): string =>
    `{"and": [{"or": [{"=": {"created_by_project_id": "p1"}}, {"and": [{"=": {"created_by_project_id": "${owner}"}}, ` +
    `{"=": {"project_id": "p1"}}]}]}, {"=": {"server_group": "s"}}]}`;

  test('check those rules only, each with the owner of external metrics of its own Gnocchi', async () => {
    const rule = {
      or: [
        onGroup({ backend: 'east' }),
        { and: [onGroup(), onPrometheus({ backend: 'long-term' })] },
        onGroup({ backend: 'east' }),
      ],
    };
    const id = await api.create(alarm(rule), MEMBER);
    const leaf = (owner: string): unknown => expect.objectContaining({ query: group(owner) });
    expect(looked.map(({ rule: seen, backend }) => ({ backend, tree: 'tree' in seen && seen.tree }))).toEqual([
      { backend: 'east', tree: { and: [leaf('svc-east'), leaf('svc-east')] } },
      { backend: null, tree: { and: [leaf('svc')] } },
      { backend: 'long-term', tree: { and: [expect.objectContaining({ query: 'up', scope_to_project: 'p1' })] } },
    ]);
    const read = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(JSON.stringify(read)).toContain('svc-east');
    const before = await textOf(id);
    const put = await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: read });
    expect(put.status).toBe(200);
    expect(JSON.parse(await textOf(id))).toMatchObject({
      composite_rule: (JSON.parse(before) as Json)['composite_rule'],
    });
  });

  test('check the rule unchanged if all of its rules name the same backend', async () => {
    await api.create(alarm({ or: [onResource({ backend: 'west' }), onResource({ backend: 'west' })] }), MEMBER);
    expect(looked).toMatchObject([
      { backend: 'west', rule: { tree: { or: [{ resource_id: 'r1' }, { resource_id: 'r1' }] } } },
    ]);
  });
});

describe('an import', () => {
  const bring = async (fields: Json, more: Json = {}): Promise<Json> => {
    const body = [{ ...alarm(fields), alarm_id: 'a', project_id: 'p1', ...more }];
    const [result] = (await api.ask('POST', '/v1/imports', { as: ADMIN, body })).json<Json[]>();
    return result ?? {};
  };
  const set = async (change: (rule: { or: Json[] }) => unknown): Promise<void> => {
    const read = (await api.ask('GET', '/v2/alarms/a')).json<{ composite_rule: { or: Json[] } }>();
    const answer = await api.ask('PUT', '/v2/alarms/a', {
      body: { ...read, composite_rule: change(read.composite_rule) },
    });
    expect(answer.status).toBe(200);
  };
  const rule = (threshold = 80): Json => ({ or: [onGroup(), onResource(undefined, { threshold }), onPrometheus()] });
  const EAST = '{"backend": "east"}';
  const CLEAR = '{"clear_threshold": 70.0}';
  const options = async (): Promise<string[]> =>
    optionsIn((await textOf('a')).replace(', "tocsin": {"muted": true}', ''));

  test('brings them along', async () => {
    expect(await bring({ or: [onResource(JSON.parse(ALL)), onPrometheus()] })).toMatchObject({ outcome: 'created' });
    expect(await options()).toEqual([ALL]);
    expect(await bring({ or: [onResource({ ingestion_lag: 9 }), onPrometheus()] })).toMatchObject({
      outcome: 'updated',
    });
    expect(await options()).toEqual(['{"ingestion_lag": 9}']);
  });

  test('refuses those that make no sense here', async () => {
    expect(await bring(onResource({ backend: 'south' }))).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('east, west') as unknown,
    });
  });

  describe('done again', () => {
    beforeEach(async () => {
      await bring(rule());
      await set(({ or: [group, resource, last] }) => ({
        or: [{ ...group, tocsin: { backend: 'east' } }, { tocsin: { clear_threshold: 70 }, ...resource }, last],
      }));
    });

    test('keeps the options that were set here, and checks with the backends that are named here', async () => {
      expect(await bring(rule())).toMatchObject({ outcome: 'unchanged' });
      expect(await options()).toEqual([EAST, CLEAR]);
      expect(await textOf('a')).toContain('svc-east');
    });

    test('keeps it where only what is compared changed, or how the rules are combined', async () => {
      expect(await bring({ and: (rule(75) as { or: Json[] }).or })).toMatchObject({ outcome: 'updated' });
      expect(await options()).toEqual([EAST, CLEAR]);
      expect(await textOf('a')).toContain('"threshold": 75.0');
    });

    test.each<[string, () => Json, string]>([
      [
        'a rule that they do not fit any more',
        () => rule(60),
        'rule2, which has options here, does not fit any more: its ' +
          'clear_threshold must not be greater than the threshold, which is 60',
      ],
      [
        'a rule with another query',
        () => ({ or: [onGroup(undefined, 't'), onResource(), onPrometheus()] }),
        'rule1, which has options here, asks something else now',
      ],
      [
        'another order',
        () => ({ or: [onResource(), onGroup(), onPrometheus()] }),
        'rule1, which has options here, asks something else now',
      ],
      ['fewer rules', () => ({ or: [onGroup()] }), 'rule2, which has options here, asks something else now'],
    ])('refuses %s', async (_, changed, why) => {
      expect(await bring(changed())).toMatchObject({
        outcome: 'refused',
        reason: `Its rule was changed, and ${why}: change it here too`,
      });
      expect(await options()).toEqual([EAST, CLEAR]);
    });

    test('refuses another type', async () => {
      const other = { type: 'prometheus', composite_rule: undefined, prometheus_rule: { query: 'up', threshold: 1 } };
      expect(await bring({}, other)).toMatchObject({
        outcome: 'refused',
        reason: 'Its rule was changed, and the rules within it, which have options here, are gone: change it here too',
      });
    });
  });

  test('of a search done again keeps the owner of the backend that was set here', async () => {
    const { type, tocsin: _, ...search } = onGroup();
    const alone = { type, composite_rule: undefined, [`${GROUP}_rule`]: search };
    await bring({}, alone);
    const read = (await api.ask('GET', '/v2/alarms/a')).json();
    await api.ask('PUT', '/v2/alarms/a', { body: { ...read, tocsin: { backend: 'east' } } });
    expect(await bring({}, alone)).toMatchObject({ outcome: 'unchanged' });
    expect(await textOf('a')).toContain('svc-east');
  });
});

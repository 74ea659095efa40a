import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { EvaluationOptions } from '../../src/alarm/evaluation-options.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, combinationBody, MEMBER, READER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { namedBackends } from '../support/named-backends.js';

const ruleChecks = namedBackends({ gnocchi: ['east', 'west'], prometheus: [] });
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

const GNOCCHI = 'gnocchi_resources_threshold';
const GROUP = 'gnocchi_aggregation_by_resources_threshold';
const AGGREGATE = {
  metric: 'cpu',
  resource_type: 'instance',
  aggregation_method: 'mean',
  threshold: 80,
  comparison_operator: 'gt',
};

const onGnocchi = (fields: Json = {}, rule: Json = {}): Json => ({
  name: 'cpu high',
  type: GNOCCHI,
  [`${GNOCCHI}_rule`]: { ...AGGREGATE, resource_id: 'r1', evaluation_periods: 5, ...rule },
  ...fields,
});
const onGroup = (fields: Json = {}): Json => ({
  name: 'group',
  type: GROUP,
  [`${GROUP}_rule`]: { ...AGGREGATE, query: '{"=": {"server_group": "s"}}' },
  ...fields,
});
const onPrometheus = (fields: Json = {}): Json => ({
  name: 'up',
  type: 'prometheus',
  prometheus_rule: { query: 'up', threshold: 1, comparison_operator: 'lt' },
  ...fields,
});
const composite = (leaf: Json, fields: Json = {}): Json => ({
  name: 'both',
  type: 'composite',
  composite_rule: { or: [leaf] },
  ...fields,
});
const balancer = (fields: Json): Json => ({
  name: 'members',
  type: 'loadbalancer_member_health',
  loadbalancer_member_health_rule: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'a' },
  ...fields,
});
const event = (fields: Json): Json => ({ name: 'event', type: 'event', event_rule: {}, ...fields });

const ALL =
  '{"delivery_policy": "every", "datapoints_to_alarm": 3, "treat_missing_data": ' +
  '"ignore", "clear_threshold": 70.0, "ingestion_lag": 120, "backend": "east"}';

const shown = async (id: string): Promise<string | undefined> => {
  const { text } = await api.ask('GET', `/v2/alarms/${id}`);
  return /"tocsin": (\{[^}]*\})/.exec(text)?.[1];
};
const stored = async (id: string): Promise<EvaluationOptions | null> => {
  const { rows } = await db.query<{ options: string | null }>(
    'select evaluation_options as options from alarms where id = $1',
    [id],
  );
  return JSON.parse(rows[0]?.options ?? 'null') as EvaluationOptions | null;
};
const detailsOf = async (id: string): Promise<string[]> => {
  const answer = await api.ask('GET', `/v2/alarms/${id}/history`);
  return answer.json<{ detail: string }[]>().map(({ detail }) => detail);
};

describe('an option of an alarm', () => {
  test.each<[Json, string, EvaluationOptions | null]>([
    [{ datapoints_to_alarm: 3 }, '{"datapoints_to_alarm": 3}', { datapoints_to_alarm: 3 }],
    [{ datapoints_to_alarm: '5' }, '{"datapoints_to_alarm": 5}', { datapoints_to_alarm: 5 }],
    [{ treat_missing_data: 'missing' }, '{"treat_missing_data": "missing"}', { treat_missing_data: 'missing' }],
    [{ treat_missing_data: 'ok' }, '{"treat_missing_data": "ok"}', { treat_missing_data: 'ok' }],
    [{ treat_missing_data: 'alarm' }, '{"treat_missing_data": "alarm"}', { treat_missing_data: 'alarm' }],
    [{ treat_missing_data: 'ignore' }, '{"treat_missing_data": "ignore"}', { treat_missing_data: 'ignore' }],
    [{ clear_threshold: 70 }, '{"clear_threshold": 70.0}', { clear_threshold: 70 }],
    [{ clear_threshold: '-1e-7' }, '{"clear_threshold": -1e-07}', { clear_threshold: -1e-7 }],
    [{ ingestion_lag: 0 }, '{"ingestion_lag": 0}', { ingestion_lag: 0 }],
    [{ ingestion_lag: 86_400 }, '{"ingestion_lag": 86400}', { ingestion_lag: 86_400 }],
    [{ backend: 'east' }, '{"backend": "east"}', { backend: 'east' }],
    [{ backend: null, ingestion_lag: 5, clear_threshold: null }, '{"ingestion_lag": 5}', { ingestion_lag: 5 }],
    [
      {
        backend: 'east',
        ingestion_lag: 120,
        clear_threshold: 70,
        treat_missing_data: 'ignore',
        datapoints_to_alarm: 3,
        delivery_policy: 'every',
      },
      ALL,
      {
        datapoints_to_alarm: 3,
        treat_missing_data: 'ignore',
        clear_threshold: 70,
        ingestion_lag: 120,
        backend: 'east',
      },
    ],
    [{ delivery_policy: 'every' }, '{"delivery_policy": "every"}', null],
  ])('%j is kept and shown', async (tocsin, text, options) => {
    const id = await api.create(onGnocchi({ tocsin }));
    expect([await shown(id), await stored(id)]).toEqual([text, options]);
    expect((await detailsOf(id))[0]).toMatch(new RegExp(`, "tocsin": ${text.replace(/[{}.]/g, '\\$&')}}$`));
  });

  test.each<Json | null>([{}, null, { backend: null, clear_threshold: null }])(
    'is none where %j says nothing',
    async (tocsin) => {
      const id = await api.create(onGnocchi({ tocsin }));
      expect([await shown(id), await stored(id)]).toEqual([undefined, null]);
      expect((await detailsOf(id))[0]).not.toContain('tocsin');
    },
  );

  test('is in lists and in complex queries as in the alarm alone', async () => {
    const id = await api.create(onGnocchi({ tocsin: JSON.parse(ALL) as Json }));
    const one = (await api.ask('GET', `/v2/alarms/${id}`)).text;
    expect((await api.ask('GET', '/v2/alarms')).text).toBe(`[${one}]`);
    const queried = await api.ask('POST', '/v2/query/alarms', { body: { filter: '{"=": {"name": "cpu high"}}' } });
    expect(queried.text).toBe(`[${one}]`);
  });

  test('of another kind changes the query, too', async () => {
    const ids = [await api.create(onGnocchi()), await api.create(onGnocchi({ tocsin: { ingestion_lag: 60 } }))];
    const { rows } = await db.query('select distinct query_key from alarms where id = any($1)', [ids]);
    expect(rows).toHaveLength(2);
  });
});

const invalid = (field: string, value: string, message: string): string =>
  `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;

describe('an option is refused', () => {
  test.each<[string, Json, string]>([
    [
      'of no points',
      onGnocchi({ tocsin: { datapoints_to_alarm: 0 } }),
      invalid('datapoints_to_alarm', '0', 'Value should be greater or equal to 1'),
    ],
    [
      'of too many points',
      onGnocchi({ tocsin: { datapoints_to_alarm: 101 } }),
      invalid('datapoints_to_alarm', '101', 'Value should be lower or equal to 100'),
    ],
    [
      'of more points than the rule compares',
      onGnocchi({ tocsin: { datapoints_to_alarm: 6 } }),
      invalid('datapoints_to_alarm', '6', 'It must not be greater than evaluation_periods, which is 5'),
    ],
    [
      'of an unknown treatment',
      onGnocchi({ tocsin: { treat_missing_data: 'zero' } }),
      invalid('treat_missing_data', 'zero', 'Value should be one of: missing, ok, alarm, ignore'),
    ],
    [
      'that is no number',
      onGnocchi({ tocsin: { clear_threshold: 'low' } }),
      invalid('clear_threshold', 'low', "could not convert string to float: 'low'"),
    ],
    [
      'that is infinite',
      onGnocchi({ tocsin: { clear_threshold: '1e999' } }),
      invalid('clear_threshold', '1e999', 'Value should be a finite number'),
    ],
    [
      'beyond the threshold',
      onGnocchi({ tocsin: { clear_threshold: 95 } }),
      invalid('clear_threshold', '95', 'It must not be greater than the threshold, which is 80'),
    ],
    [
      'short of the threshold',
      onPrometheus({ tocsin: { clear_threshold: 0.5 } }),
      invalid('clear_threshold', '0.5', 'It must not be less than the threshold, which is 1'),
    ],
    [
      'with equality',
      onGnocchi({ tocsin: { clear_threshold: 80 } }, { comparison_operator: 'eq' }),
      invalid('clear_threshold', '80', 'It makes no sense with comparison_operator eq'),
    ],
    [
      'of negative lag',
      onGnocchi({ tocsin: { ingestion_lag: -1 } }),
      invalid('ingestion_lag', '-1', 'Value should be greater or equal to 0'),
    ],
    [
      'of more than a day',
      onGnocchi({ tocsin: { ingestion_lag: 86_401 } }),
      invalid('ingestion_lag', '86401', 'Value should be lower or equal to 86400'),
    ],
    [
      'for a combination',
      combinationBody(['a', 'b'], { tocsin: { ingestion_lag: 1 } }),
      invalid('ingestion_lag', '1', 'It cannot be used with alarms of type combination'),
    ],
    [
      'for an event',
      event({ tocsin: { treat_missing_data: 'ok' } }),
      invalid('treat_missing_data', 'ok', 'It cannot be used with alarms of type event'),
    ],
    [
      'for a balancer',
      balancer({ tocsin: { backend: 'east' } }),
      invalid('backend', 'east', 'It cannot be used with alarms of type loadbalancer_member_health'),
    ],
    [
      'for a composite rule',
      composite({ type: GNOCCHI, ...AGGREGATE, resource_id: 'r' }, { tocsin: { backend: 'east' } }),
      invalid(
        'backend',
        'east',
        'It cannot be used with alarms of type composite, whose rules can have a tocsin object each',
      ),
    ],
    [
      'of an unknown backend',
      onGnocchi({ tocsin: { backend: 'south' } }),
      invalid('backend', 'south', 'No backend of kind gnocchi has this name; it should be one of: east, west'),
    ],
    [
      'of an empty backend',
      onGnocchi({ tocsin: { backend: '' } }),
      invalid('backend', '', 'No backend of kind gnocchi has this name; it should be one of: east, west'),
    ],
    [
      'of a backend of another kind',
      onPrometheus({ tocsin: { backend: 'east' } }),
      invalid('backend', 'east', 'No backend of kind prometheus has this name; none has a name'),
    ],
    [
      'of a backend for meters',
      thresholdBody({ tocsin: { backend: 'east' } }),
      invalid('backend', 'east', 'It cannot be used with alarms of type threshold'),
    ],
    [
      'of another type',
      onGnocchi({ tocsin: { backend: 5 } }),
      invalid('backend', '5', "Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ],
    [
      'that there is not',
      onGnocchi({ tocsin: { cooldown: 5 } }),
      'Unknown attribute for argument data.tocsin: cooldown',
    ],
    [
      'in something else than an object',
      onGnocchi({ tocsin: 'east' }),
      invalid('tocsin', 'east', 'Wrong type. Expected an object, got string'),
    ],
  ])('%s', async (_, body, fault) => {
    const id = await api.create(onGnocchi());
    for (const [method, path] of [
      ['POST', '/v2/alarms'],
      ['PUT', `/v2/alarms/${id}`],
    ] as const) {
      const answer = await api.ask(method, path, { body });
      expect([answer.fault, answer.status]).toEqual([fault, 400]);
    }
  });
});

describe('a replacement', () => {
  const full = JSON.parse(ALL) as Json;

  test('that sends back the body that was read with one changed field keeps all options', async () => {
    const id = await api.create(onGnocchi({ tocsin: full }));
    const read = (await api.ask('GET', `/v2/alarms/${id}`)).json();
    await api.clock.advance(1_000);
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { body: { ...read, severity: 'critical' } });
    expect([answer.status, await shown(id)]).toEqual([200, ALL]);
    expect((await detailsOf(id))[0]).toBe('{"severity": "critical"}');
  });

  test('without options resets them to their defaults, and history shows that', async () => {
    const id = await api.create(onGnocchi({ tocsin: full }));
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}`, { body: onGnocchi() });
    expect([await shown(id), await stored(id)]).toEqual([undefined, null]);
    expect((await detailsOf(id))[0]).toBe('{"tocsin": null}');
  });

  test('replaces the complete object', async () => {
    const id = await api.create(onGnocchi({ tocsin: full }));
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}`, { body: onGnocchi({ tocsin: { clear_threshold: 75.5 } }) });
    expect(await shown(id)).toBe('{"clear_threshold": 75.5}');
    expect((await detailsOf(id))[0]).toBe('{"tocsin": {"clear_threshold": 75.5}}');
  });

  test('of the rule, which its options do not fit any more, is refused', async () => {
    const id = await api.create(onGnocchi({ tocsin: { clear_threshold: 70 } }));
    const read = (await api.ask('GET', `/v2/alarms/${id}`)).json();
    const rule = { ...(read[`${GNOCCHI}_rule`] as Json), threshold: 60 };
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { body: { ...read, [`${GNOCCHI}_rule`]: rule } });
    expect(answer.fault).toBe(
      invalid('clear_threshold', '70', 'It must not be greater than the threshold, which is 60'),
    );
  });
});

describe('a named backend', () => {
  test('checks the rule, and its owner of external metrics is used', async () => {
    const id = await api.create(onGroup({ tocsin: { backend: 'east' } }), MEMBER);
    await api.create(onGroup(), MEMBER);
    expect(looked.map(({ rule, backend }) => [rule.type, backend])).toEqual([
      [GROUP, 'east'],
      [GROUP, null],
    ]);
    const { text } = await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(text).toContain('svc-east');
  });

  test.each([
    ['one who may only read', READER],
    ['a member', MEMBER],
  ])('that is unknown is refused for %s', async (_, as) => {
    const answer = await api.ask('POST', '/v2/alarms', { as, body: onGroup({ tocsin: { backend: 'south' } }) });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('east, west')]);
  });
});

describe('an import', () => {
  const bring = async (fields: Json): Promise<Json> => {
    const [result] = (
      await api.ask('POST', '/v1/imports', {
        as: ADMIN,
        body: [{ ...onGnocchi({ alarm_id: 'a', project_id: 'p1' }), ...fields }],
      })
    ).json<Json[]>();
    return result ?? {};
  };

  test('brings options along', async () => {
    expect(await bring({ tocsin: JSON.parse(ALL) as Json })).toMatchObject({ outcome: 'created' });
    expect(await shown('a')).toBe(ALL.replace(/\}$/, ', "muted": true}'));
  });

  test('refuses those that make no sense here', async () => {
    expect(await bring({ tocsin: { backend: 'south' } })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('east, west') as unknown,
    });
  });

  test('repeated keeps the options that were set here, unless they do not fit the rule any more', async () => {
    await bring({});
    const read = (await api.ask('GET', '/v2/alarms/a')).json();
    await api.ask('PUT', '/v2/alarms/a', { body: { ...read, tocsin: { clear_threshold: 70 } } });
    expect(await bring({})).toMatchObject({ outcome: 'unchanged' });
    expect(await shown('a')).toBe('{"clear_threshold": 70.0, "muted": true}');
    const rule = { ...AGGREGATE, resource_id: 'r1', threshold: 60 };
    expect(await bring({ [`${GNOCCHI}_rule`]: rule })).toMatchObject({
      outcome: 'refused',
      reason:
        'Its rule was changed, and clear_threshold, set here, must not be ' +
        'greater than the threshold, which is 60: change it here too',
    });
  });
});

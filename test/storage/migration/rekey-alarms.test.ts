import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { homeOf, partitionOf, queryKeyOf, SLOTS } from '../../../src/alarm/partition-key.js';
import { ALARM_KINDS, parseStoredRule, typeOf, type AlarmKind } from '../../../src/alarm/types/index.js';
import { silentLogger } from '../../../src/logger.js';
import { createAlarmStore } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { migrate } from '../../../src/storage/migration/migrate.js';
import { openPglite } from '../../../src/storage/engine/pglite.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { describeWithPostgres, unmigratedPostgresUrl } from '../../support/servers.js';

const RELEASE_BEFORE = ['0001-alarms.sql', '0002-drop-in.sql'];

/** As the release before has stored them, which is also how clients read them; for prometheus without what is ours. */
const RESOURCE =
  '{"metric": "cpu", "resource_id": "r1", "resource_type": "instance", "comparison_operator": "gt", "threshold": 80.0, ' +
  '"aggregation_method": "mean", "evaluation_periods": 2, "granularity": 60}';
const METRICS =
  '{"metrics": ["m1", "\\u6771"], "comparison_operator": "lt", "threshold": 1e+21, "aggregation_method": "rate:mean", ' +
  '"evaluation_periods": 1, "granularity": 300}';
const RESOURCES =
  '{"metric": "cpu", "query": "{\\"and\\": [{\\"=\\": {\\"created_by_project_id\\": \\"p1\\"}}, {\\"=\\": {\\"server_group\\": \\"g\\"}}]}", ' +
  '"resource_type": "instance", "comparison_operator": "eq", "threshold": -0.0, "aggregation_method": "mean", "evaluation_periods": 1, "granularity": 60}';
const PROMETHEUS = '{"comparison_operator": "gt", "threshold": 1e-07, "query": "up == 0"}';
const RESOURCE_LEAF =
  '{"threshold": 80.0, "metric": "cpu", "resource_id": "r1", "resource_type": "instance", "aggregation_method": "mean", ' +
  '"granularity": 60, "comparison_operator": "eq", "evaluation_periods": 1, "type": "gnocchi_resources_threshold"}';
const METRICS_LEAF =
  '{"metrics": ["m1"], "evaluation_periods": 3, "threshold": 0.1, "aggregation_method": "mean", "granularity": 60, ' +
  '"comparison_operator": "eq", "type": "gnocchi_aggregation_by_metrics_threshold"}';
const RESOURCES_LEAF =
  '{"metric": "cpu", "query": "{\\"=\\": {\\"a\\": 1}}", "resource_type": "instance", "threshold": 1.0, "aggregation_method": "mean", ' +
  '"granularity": 60, "comparison_operator": "eq", "evaluation_periods": 1, "type": "gnocchi_aggregation_by_resources_threshold"}';
const PROMETHEUS_LEAF = '{"query": "up", "threshold": 1.0, "comparison_operator": "eq", "type": "prometheus"}';
const COMPOSITE = `{"or": [${RESOURCE_LEAF}, {"and": [${METRICS_LEAF}, ${RESOURCES_LEAF}, ${PROMETHEUS_LEAF}]}]}`;
const BALANCER = '{"pool_id": "p", "stack_id": "s", "autoscaling_group_id": "a"}';
const THRESHOLD =
  '{"period": 60, "comparison_operator": "gt", "threshold": 80.0, "statistic": "avg", "evaluation_periods": 1, "meter_name": "cpu", ' +
  '"exclude_outliers": false, "query": []}';
const thresholdWith = (query: string) => THRESHOLD.replace('"query": []', `"query": [${query}]`);
const ON_OWN = '{"field": "project_id", "op": "eq", "value": "p1", "type": ""}';
const ON_OWN_AS_NUMBER = '{"field": "project", "op": "eq", "value": "007", "type": "integer"}';
const ON_OTHER = '{"field": "project_id", "op": "eq", "value": "p2", "type": ""}';
const COMBINATION = '{"operator": "and", "alarm_ids": ["a", "b"]}';
const EVENT = '{"event_type": "*", "query": []}';

const scopedTo = (project: string) => (text: string, before: string) =>
  text.replace(before, before.replace(/(, "type": "prometheus")?\}$/, `, "scope_to_project": ${project}$1}`));

interface Old {
  id: string;
  type: AlarmKind;
  /** What clients read. */
  shown: string;
  /** What was stored, where that is more. */
  stored?: string;
  project?: string | null;
  deleted?: boolean;
}

const OLD: Old[] = [
  { id: 'resource', type: 'gnocchi_resources_threshold', shown: RESOURCE },
  { id: 'resource of nobody', type: 'gnocchi_resources_threshold', shown: RESOURCE, project: null },
  { id: 'resource, deleted', type: 'gnocchi_resources_threshold', shown: RESOURCE, deleted: true },
  { id: 'metrics', type: 'gnocchi_aggregation_by_metrics_threshold', shown: METRICS },
  { id: 'resources', type: 'gnocchi_aggregation_by_resources_threshold', shown: RESOURCES },
  { id: 'prometheus', type: 'prometheus', shown: PROMETHEUS, stored: scopedTo('"p1"')(PROMETHEUS, PROMETHEUS) },
  { id: 'prometheus of all', type: 'prometheus', shown: PROMETHEUS, stored: scopedTo('null')(PROMETHEUS, PROMETHEUS) },
  { id: 'composite', type: 'composite', shown: COMPOSITE, stored: scopedTo('"p1"')(COMPOSITE, PROMETHEUS_LEAF) },
  { id: 'composite of one', type: 'composite', shown: RESOURCE_LEAF },
  { id: 'composite of none', type: 'composite', shown: '{"and": []}' },
  { id: 'balancer', type: 'loadbalancer_member_health', shown: BALANCER },
  { id: 'threshold', type: 'threshold', shown: THRESHOLD },
  { id: 'threshold of one', type: 'threshold', shown: thresholdWith(ON_OWN) },
  { id: 'threshold of a number', type: 'threshold', shown: thresholdWith(ON_OWN_AS_NUMBER), project: '007' },
  { id: 'threshold of another', type: 'threshold', shown: thresholdWith(ON_OTHER) },
  { id: 'threshold, deleted', type: 'threshold', shown: THRESHOLD, deleted: true },
  { id: 'combination', type: 'combination', shown: COMBINATION },
  { id: 'event', type: 'event', shown: EVENT },
];

const INSERT = `
  insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions,
    insufficient_data_actions,
                      repeat_actions, severity, time_constraints, timestamp, created_at, state, state_reason,
                        state_timestamp, query_key,
                      partition, definition_version, deleted_at)
  values ($1, $2, 'u', $3, 'n', '', true, $4, '{}', '{}', '{}', false, 'low', '[]', $5, $5, 'insufficient data',
    'Not evaluated yet', $5,
          $6, $7, 4, $8)`;
const AT = new Date('2026-01-01T00:00:00Z');

describe('alarms of the release before, in PGlite', () => rekeying(() => openPglite(undefined)));
describeWithPostgres('alarms of the release before, in PostgreSQL', () =>
  rekeying(async () =>
    openPostgres({ url: await unmigratedPostgresUrl(), maxConnections: 2, statementTimeoutMs: 10_000 }, silentLogger),
  ),
);

interface Row {
  id: string;
  type: AlarmKind;
  rule: string;
  query_key: string;
  partition: number;
  previous_partition: number | null;
  definition_version: number;
  revision: string;
}

function rekeying(open: () => Promise<Database>): void {
  let db: Database;
  let before: ReadonlyMap<string, Row>;
  let after: ReadonlyMap<string, Row>;

  beforeAll(async () => {
    db = await open();
    await migrate(db, RELEASE_BEFORE);
    for (const old of OLD) await insert(old);
    before = await rows();
    expect(await migrate(db)).toContain('0003-real-backends.sql');
    after = await rows();
  });
  afterAll(() => db.close());

  async function insert({ id, type, shown, stored = shown, project = 'p1', deleted = false }: Old): Promise<void> {
    const key = type === 'threshold' ? '["meters",60,{"meter":"cpu"}]' : id;
    await db.query(INSERT, [id, project, type, stored, AT, key, partitionOf(key), deleted ? AT : null]);
  }

  async function rows(): Promise<ReadonlyMap<string, Row>> {
    const { rows: all } = await db.query<Row>(
      'select id, type, rule, query_key, partition, previous_partition, definition_version, revision::text from alarms',
    );
    return new Map(all.map((row) => [row.id, row]));
  }

  const row = (from: ReadonlyMap<string, Row>, id: string): Row => from.get(id)!;

  test('are of every kind', () => {
    expect([...new Set(OLD.map(({ type }) => type))].sort()).toEqual([...ALARM_KINDS].sort());
  });

  test.each(OLD.filter(({ deleted }) => !deleted))('look to clients as they did: $id', async ({ id, shown }) => {
    const alarm = await createAlarmStore(db).find({ all: true }, id);
    const read = alarm && (typeOf(alarm.rule).shownJson?.(alarm.rule) ?? alarm.ruleJson);
    expect([read, alarm?.definitionVersion, alarm?.evaluationOptions]).toEqual([shown, 4, null]);
  });

  test.each([
    ['resource', scopedTo('"p1"')(RESOURCE, RESOURCE)],
    ['resource of nobody', scopedTo('null')(RESOURCE, RESOURCE)],
    ['metrics', scopedTo('"p1"')(METRICS, METRICS)],
    ['resources', RESOURCES],
    ['prometheus', scopedTo('"p1"')(PROMETHEUS, PROMETHEUS)],
    ['prometheus of all', scopedTo('null')(PROMETHEUS, PROMETHEUS)],
    ['threshold', scopedTo('null')(THRESHOLD, THRESHOLD)],
    ['threshold of one', scopedTo('"p1"')(thresholdWith(ON_OWN), thresholdWith(ON_OWN))],
    ['threshold of a number', scopedTo('"007"')(thresholdWith(ON_OWN_AS_NUMBER), thresholdWith(ON_OWN_AS_NUMBER))],
    ['threshold of another', scopedTo('null')(thresholdWith(ON_OTHER), thresholdWith(ON_OTHER))],
    ['composite of one', RESOURCE_LEAF.replace(', "type"', ', "scope_to_project": "p1", "type"')],
    [
      'composite',
      scopedTo('"p1"')(COMPOSITE, PROMETHEUS_LEAF)
        .replace('"type": "gnocchi_resources_threshold"', '"scope_to_project": "p1", $&')
        .replace('"type": "gnocchi_aggregation_by_metrics_threshold"', '"scope_to_project": "p1", $&'),
    ],
  ])('are stored with the project that they may look at: %s', (id, rule) => {
    expect(row(after, id).rule).toBe(rule);
  });

  test('have the key of their question, live where it leads, and are heard of where they were and where they are', () => {
    const moved = ['resource', 'resource of nobody', 'metrics', 'resources', 'prometheus', 'prometheus of all'];
    const thresholds = ['threshold', 'threshold of one', 'threshold of a number', 'threshold of another'];
    for (const id of [...moved, ...thresholds, 'composite', 'composite of one', 'balancer']) {
      const { type, rule, query_key, partition, previous_partition, revision } = row(after, id);
      const old = row(before, id);
      expect({ queryKey: query_key, partition }).toEqual(homeOf(parseStoredRule(type, rule), {}, id));
      expect(query_key).not.toBe(id);
      expect(previous_partition).toBe(old.partition === partition ? null : old.partition);
      expect(BigInt(revision)).toBeGreaterThan(BigInt(old.revision));
    }
  });

  test.each(['resource, deleted', 'threshold, deleted', 'composite of none', 'combination', 'event'])(
    'are left alone: %s',
    (id) => {
      expect(row(after, id)).toEqual(row(before, id));
    },
  );

  test('are not changed a second time', async () => {
    expect(await migrate(db)).toEqual([]);
    expect(await rows()).toEqual(after);
  });

  test('are taken care of also when they were written after the migration', async () => {
    await insert({ id: 'late', type: 'gnocchi_resources_threshold', shown: RESOURCE });
    await insert({ id: 'late threshold', type: 'threshold', shown: thresholdWith(ON_OWN) });
    await migrate(db);
    expect(row(await rows(), 'late threshold')).toMatchObject({
      rule: row(after, 'threshold of one').rule,
      query_key: row(after, 'threshold of one').query_key,
    });
    expect(row(await rows(), 'late')).toMatchObject({
      rule: row(after, 'resource').rule,
      query_key: row(after, 'resource').query_key,
    });
  });

  test('are changed in batches, however many there are, and what cannot be read stands in nobody’s way', async () => {
    await db.query(
      `insert into alarms select (jsonb_populate_record(a, jsonb_build_object('id', 'many-' || n, 'query_key',
        'many-' || n, 'partition', 0,
         'rule', case when n = 7 then '{' else $2 end))).* from alarms a, generate_series(1, 2500) n where a.id = $1`,
      ['balancer', BALANCER],
    );
    await migrate(db);
    const { rows: left } = await db.query<{ id: string }>(
      `select id from alarms where id like 'many-%' and query_key = id`,
    );
    expect(left).toEqual([{ id: 'many-7' }]);
  });

  test('of a release that knew no families move to where their family is, and nothing else of them changes', async () => {
    await db.query("delete from migrations where name = '0004-families.sql'");
    const hosts = Array.from({ length: 12 }, (_, n) => `host-${n}`);
    for (const host of hosts) {
      const rule =
        `{"comparison_operator": "gt", "threshold": 1.0, "query": ` +
        `"cpu{h=\\"${host}\\"}", "scope_to_project": "p1"}`;
      const key = queryKeyOf(parseStoredRule('prometheus', rule), {}, host);
      await db.query(INSERT, [host, 'p1', 'prometheus', rule, AT, key, partitionOf(key), null]);
    }
    const old = await rows();
    expect(await migrate(db)).toEqual(['0004-families.sql']);
    const moved = await rows();
    const homes = hosts.map((host) => row(moved, host).partition);
    expect(new Set(homes.map((partition) => partition % SLOTS)).size).toBe(1);
    for (const host of hosts) {
      const { partition, previous_partition, revision, ...rest } = row(moved, host);
      const before = row(old, host);
      expect({ ...before, ...rest }).toEqual(before);
      expect(partition).toBe(homeOf(parseStoredRule('prometheus', rest.rule), {}, host).partition);
      if (partition === before.partition) expect([previous_partition, revision]).toEqual([null, before.revision]);
      else expect(previous_partition).toBe(before.partition);
    }
    expect(row(moved, 'threshold')).toEqual(row(old, 'threshold'));
  });
}

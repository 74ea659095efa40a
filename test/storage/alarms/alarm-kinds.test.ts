import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import { partitionOf, queryKeyOf } from '../../../src/alarm/partition-key.js';
import { ALARM_KINDS, alarmTypes, typeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import { AlarmCache } from '../../../src/evaluator/alarm-cache.js';
import { createAlarmStore, type AlarmStore } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { FakeClock } from '../../support/fake-clock.js';
import { createEvaluationStore } from '../../../src/storage/evaluation/evaluation-store.js';
import type { Scope } from '../../../src/storage/scope.js';
import { anEntry, aStoredAlarm } from '../../contract/alarm-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { allOf } from '../../support/pages.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';

const ALL: Scope = { all: true };
const AGGREGATE = { aggregation_method: 'mean', threshold: 50 };
const PROMETHEUS = { query: 'up', threshold: 1 };

const WAITING: AlarmRule[] = [
  alarmTypes.gnocchi_resources_threshold.schema.parse({
    ...AGGREGATE,
    metric: 'm',
    resource_id: 'r',
    resource_type: 't',
  }),
  alarmTypes.gnocchi_aggregation_by_metrics_threshold.schema.parse({ ...AGGREGATE, metrics: ['a', 'b'] }),
  alarmTypes.gnocchi_aggregation_by_resources_threshold.schema.parse({
    ...AGGREGATE,
    metric: 'm',
    query: '{"=": {"name": "東"}}',
    resource_type: 't',
  }),
  alarmTypes.prometheus.schema.parse(PROMETHEUS),
  alarmTypes.composite.schema.parse({ type: 'prometheus', ...PROMETHEUS }),
  alarmTypes.composite.schema.parse({ or: [{ and: [] }, { type: 'prometheus', ...PROMETHEUS }] }),
  alarmTypes.loadbalancer_member_health.schema.parse({ pool_id: 'p', stack_id: 's', autoscaling_group_id: 'a' }),
];

describe('alarms that wait for a backend, in PGlite', () => waitingAlarms(embeddedDatabase));
describeWithPostgres('alarms that wait for a backend, in PostgreSQL', () => waitingAlarms(serverDatabase));

function waitingAlarms(open: () => Promise<Database>): void {
  let db: Database;
  let alarms: AlarmStore;

  beforeAll(async () => {
    db = await open();
    alarms = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function create(id: string, given: AlarmRule): Promise<AlarmRule> {
    const rule = typeOf(given).scopedTo(given, { projectId: 'p1', externalOwner: 'svc' });
    const alarm = aStoredAlarm({ id, rule });
    await alarms.create({ alarm, memberProject: null, entry: anEntry({ eventId: `e-${id}`, alarmId: id }) });
    return rule;
  }

  test.each(WAITING)('are stored, listed and read again: $type', async (given) => {
    const rule = await create('a', given);
    const ruleJson = typeOf(rule).ruleJson(rule);
    expect(await alarms.find(ALL, 'a')).toMatchObject({ rule, ruleJson });
    const listed = await allOf(
      alarms.list(ALL, { filter: { type: rule.type }, sort: [{ key: 'alarm_id', descending: false }] }),
    );
    expect(listed.map((alarm) => [alarm.rule, alarm.ruleJson])).toEqual([[rule, ruleJson]]);
  });

  test.each(WAITING)('are replaced by another kind and back: $type', async (given) => {
    const rule = await create('a', given);
    const other = alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 1 });
    for (const next of [other, rule]) {
      const change = () => ({ next: aStoredAlarm({ id: 'a', rule: next }), entry: null });
      await alarms.replace(ALL, 'a', { rule: next, memberProject: null, change });
      expect((await alarms.find(ALL, 'a'))?.rule).toEqual(next);
    }
  });

  test('are not evaluated, and do not disturb evaluators', async () => {
    for (const [index, rule] of WAITING.entries()) await create(`waiting-${index}`, rule);
    const threshold = await create('ours', alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 1 }));
    const unreadable: string[] = [];
    const cache = new AlarmCache({
      ...createEvaluationStore(db),
      isConfigured: ({ datasource }) => datasource === 'meters',
      onUnreadable: (id) => unreadable.push(id),
      clock: new FakeClock(),
    });
    cache.take(Array.from({ length: 256 }, (_, partition) => partition));
    await cache.load();
    expect([unreadable, cache.size]).toEqual([[], 1]);
    expect([...cache.alarmsOf(partitionOf(queryKeyOf(threshold, NO_OPTIONS, 'ours')))].map(({ id }) => id)).toEqual([
      'ours',
    ]);
  });

  test('are all kinds that a backend evaluates', () => {
    const remote = ALARM_KINDS.filter((kind) => !['threshold', 'combination', 'event'].includes(kind));
    expect([...new Set(WAITING.map(({ type }) => type))].sort()).toEqual(remote.sort());
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Alarm } from '../../../src/alarm/alarm.js';
import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import { partitionOf, queryKeyOf } from '../../../src/alarm/partition-key.js';
import { storedRule } from '../../../src/alarm/types/index.js';
import { createAlarmStore, type AlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { createHistoryStore, type HistoryEntry } from '../../../src/storage/alarms/history-store.js';
import { aCombinationRule, anAlarm, aThresholdRule, NOON, removedAt } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeNotification } from '../../support/stored-notifications.js';
import { allOf } from '../../support/pages.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';

const ALL = { all: true } as const;
const OWN = { projectId: 'p1' };
const FOREIGN = { projectId: 'p2' };
const NEWEST_FIRST = { filter: {}, sort: [{ key: 'timestamp', descending: true } as const] };

function stored(given: Partial<Alarm> = {}): StoredAlarm {
  const alarm = anAlarm(given);
  return { ...alarm, ...storedRule(alarm.rule) };
}

function entryFor(alarm: Alarm, eventId: string): HistoryEntry {
  return {
    eventId,
    alarmId: alarm.id,
    type: 'creation',
    detail: '{}',
    projectId: alarm.projectId,
    userId: alarm.userId,
    onBehalfOf: alarm.projectId,
    severity: null,
    timestamp: NOON,
    stateVersion: null,
    previousState: null,
  };
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let alarms: AlarmStore;

  beforeAll(async () => {
    db = await open();
    alarms = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function create(alarm: StoredAlarm): Promise<void> {
    await alarms.create({ alarm, memberProject: 'p1', entry: entryFor(alarm, `created-${alarm.id}`) });
  }

  const replace = (
    id: string,
    fields: Partial<Alarm>,
    scope: Parameters<AlarmStore['replace']>[0] = OWN,
  ): Promise<StoredAlarm | undefined> => {
    const rule = fields.rule ?? aThresholdRule();
    return alarms.replace(scope, id, {
      rule,
      memberProject: 'p1',
      change: (current) => ({ next: { ...current, ...stored({ ...current, ...fields, rule }) }, entry: null }),
    });
  };

  interface Columns {
    partition: number;
    previous_partition: number | null;
    definition_version: number;
    state_version: number;
    revision: string;
    deleted: boolean;
  }
  async function columnsOf(id: string): Promise<Columns> {
    const { rows } = await db.query<Columns>(
      `select partition, previous_partition, definition_version, state_version, revision, deleted_at is not null
        as deleted
       from alarms where id = $1`,
      [id],
    );
    return rows[0]!;
  }

  async function statuses(): Promise<unknown[]> {
    const { rows } = await db.query<object>('select id, status, last_error from notifications order by id');
    return rows.map((row) => Object.values(row) as unknown);
  }

  test('an alarm is read as it was stored, with null lists', async () => {
    const alarm = stored({
      okActions: null,
      alarmActions: ['http://h/{"x"},y', 'log://'],
      severity: 'critical',
      deliveryPolicy: 'every',
      timeConstraints: [{ name: 'n', description: 'd', start: '0 0 * * *', duration: 60, timezone: '' }],
    });
    await create(alarm);
    expect(await alarms.find(OWN, 'a1')).toEqual(alarm);
    expect(await allOf(alarms.list(ALL, NEWEST_FIRST))).toEqual([alarm]);
    expect(await alarms.find(FOREIGN, 'a1')).toBeUndefined();
    expect(await allOf(alarms.list(FOREIGN, NEWEST_FIRST))).toEqual([]);
  });

  test('an alarm and its history entry are stored together or not at all', async () => {
    await create(stored());
    const second = stored({ id: 'a2' });
    await expect(
      alarms.create({ alarm: second, memberProject: null, entry: entryFor(second, 'created-a1') }),
    ).rejects.toThrow();
    expect(await alarms.find(ALL, 'a2')).toBeUndefined();
    expect(await allOf(createHistoryStore(db, TEST_SEALER).list(OWN, 'a1', NEWEST_FIRST))).toHaveLength(1);
  });

  test('its last evaluation is that of its partition, and not before its creation', async () => {
    await create(stored());
    const { partition } = await columnsOf('a1');
    await db.query('update partitions set last_evaluated_at = $2 where id = $1', [
      partition,
      new Date('2020-01-01T00:00:00Z'),
    ]);
    expect((await alarms.find(OWN, 'a1'))?.evaluateTimestamp).toEqual(NOON);
    const later = new Date('2026-01-01T12:01:00Z');
    await db.query('update partitions set last_evaluated_at = $2 where id = $1', [partition, later]);
    expect((await alarms.find(OWN, 'a1'))?.evaluateTimestamp).toEqual(later);
  });

  test('a replacement raises the version of the definition and the revision', async () => {
    await create(stored());
    const before = await columnsOf('a1');
    expect(before).toMatchObject({ definition_version: 1, previous_partition: null });
    const replaced = await replace('a1', { name: 'other' });
    const after = await columnsOf('a1');
    expect([replaced?.definitionVersion, after.definition_version]).toEqual([2, 2]);
    expect(BigInt(after.revision)).toBeGreaterThan(BigInt(before.revision));
    expect(after).toMatchObject({ partition: before.partition, previous_partition: null });
    expect(await alarms.find(OWN, 'a1')).toEqual(replaced);
  });

  test('a replacement that moves the alarm to another partition records the previous one', async () => {
    await create(stored());
    const { partition } = await columnsOf('a1');
    const meters = Array.from({ length: 40 }, (_, number) => aThresholdRule({ meter_name: `m${number}` }));
    const [first, second] = meters.filter((rule) => partitionOf(queryKeyOf(rule, NO_OPTIONS, 'a1')) !== partition);
    await replace('a1', { rule: first! });
    const moved = await columnsOf('a1');
    expect(moved).toMatchObject({
      partition: partitionOf(queryKeyOf(first!, NO_OPTIONS, 'a1')),
      previous_partition: partition,
    });
    await replace('a1', { rule: first!, name: 'stays' });
    expect(await columnsOf('a1')).toMatchObject({ partition: moved.partition, previous_partition: partition });
    await replace('a1', { rule: second! });
    const again = partitionOf(queryKeyOf(second!, NO_OPTIONS, 'a1'));
    expect(await columnsOf('a1')).toMatchObject({
      partition: again,
      previous_partition: again === moved.partition ? partition : moved.partition,
    });
  });

  test('setting the state raises the state version and the revision, but not the definition version', async () => {
    await create(stored());
    const before = await columnsOf('a1');
    const set = await alarms.setState(OWN, 'a1', (current) => ({
      next: { ...current, name: 'not written', state: 'ok', stateVersion: current.stateVersion + 1 },
      entry: null,
    }));
    expect(set?.state).toBe('ok');
    const after = await columnsOf('a1');
    expect(after).toMatchObject({ state_version: 1, definition_version: 1 });
    expect(BigInt(after.revision)).toBeGreaterThan(BigInt(before.revision));
    expect(await alarms.find(OWN, 'a1')).toMatchObject({ state: 'ok', name: 'cpu high' });
  });

  test('a change that throws is rolled back', async () => {
    await create(stored());
    const before = await columnsOf('a1');
    const refusal = new Error('refused');
    const change = (): never => {
      throw refusal;
    };
    await expect(alarms.replace(OWN, 'a1', { rule: aThresholdRule(), memberProject: null, change })).rejects.toBe(
      refusal,
    );
    await expect(alarms.setState(OWN, 'a1', change)).rejects.toBe(refusal);
    expect(await columnsOf('a1')).toEqual(before);
  });

  test('another project cannot change or delete the alarm', async () => {
    await create(stored());
    const before = await columnsOf('a1');
    expect(await replace('a1', { name: 'mine' }, FOREIGN)).toBeUndefined();
    expect(await alarms.setState(FOREIGN, 'a1', (current) => ({ next: current, entry: null }))).toBeUndefined();
    expect(await alarms.remove(FOREIGN, 'a1', removedAt(NOON))).toBe(false);
    expect(await columnsOf('a1')).toEqual(before);
  });

  test('a deletion leaves a tombstone with a new version and revision, and cancels pending notifications', async () => {
    await create(stored());
    await create(stored({ id: 'a2' }));
    const before = await columnsOf('a1');
    for (const status of ['pending', 'in_flight', 'delivered']) {
      await storeNotification(db, { id: status, alarmId: 'a1', projectId: 'p1', status });
    }
    await storeNotification(db, { id: 'other', alarmId: 'a2', projectId: 'p1', status: 'pending' });
    expect(await alarms.remove(OWN, 'a1', removedAt(NOON))).toBe(true);
    expect(await alarms.remove(OWN, 'a1', removedAt(NOON))).toBe(false);
    const after = await columnsOf('a1');
    expect(after).toMatchObject({ deleted: true, definition_version: 2 });
    expect(BigInt(after.revision)).toBeGreaterThan(BigInt(before.revision));
    expect(await statuses()).toEqual([
      ['delivered', 'delivered', null],
      ['in_flight', 'in_flight', null],
      ['other', 'pending', null],
      ['pending', 'cancelled', 'alarm deleted'],
    ]);
  });

  test('disabling an alarm cancels pending notifications, another replacement does not', async () => {
    await create(stored());
    await storeNotification(db, { id: 'n', alarmId: 'a1', projectId: 'p1', status: 'pending' });
    await replace('a1', { name: 'other' });
    expect(await statuses()).toEqual([['n', 'pending', null]]);
    await replace('a1', { enabled: false });
    expect(await statuses()).toEqual([['n', 'cancelled', 'alarm disabled']]);
  });

  test('members of a combination are those of its last rule, and none after its end', async () => {
    for (const id of ['x', 'y', 'z']) await create(stored({ id }));
    const members = async (): Promise<unknown[]> => {
      const { rows } = await db.query<{ member_id: string }>('select member_id from alarm_members order by member_id');
      return rows.map(({ member_id }) => member_id);
    };
    await create(stored({ rule: aCombinationRule({ alarm_ids: ['x', 'y'] }) }));
    expect(await members()).toEqual(['x', 'y']);
    await replace('a1', { rule: aCombinationRule({ alarm_ids: ['y', 'z'] }) });
    expect(await members()).toEqual(['y', 'z']);
    await replace('a1', { rule: aThresholdRule() });
    expect(await members()).toEqual([]);
    await replace('a1', { rule: aCombinationRule({ alarm_ids: ['y', 'z'] }) });
    await alarms.remove(OWN, 'a1', removedAt(NOON));
    expect(await members()).toEqual([]);
  });

  test('concurrent replacements all raise the version', async () => {
    await create(stored());
    await Promise.all(Array.from({ length: 8 }, (_, number) => replace('a1', { name: `n${number}` })));
    expect(await columnsOf('a1')).toMatchObject({ definition_version: 9 });
  });
}

describe('alarms in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('alarms in PostgreSQL', () => contract(serverDatabase));

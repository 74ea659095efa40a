import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Alarm } from '../../src/alarm/alarm.js';
import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { partitionOf, queryKeyOf } from '../../src/alarm/partition-key.js';
import { storedRule } from '../../src/alarm/types/index.js';
import type { AlarmSortKey } from '../../src/storage/alarms/alarm-list-store.js';
import type { StoredAlarm } from '../../src/storage/alarms/alarm-row.js';
import { createAlarmStore, type AlarmChange, type AlarmStore } from '../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import type { HistoryEntry } from '../../src/storage/alarms/history-store.js';
import type { Scope } from '../../src/storage/scope.js';
import { anAlarm, aThresholdRule, NOON, removedAt } from '../support/builders.js';
import { empty } from '../support/databases.js';
import { combinationStoreContract } from './combination-store.js';
import { allOf } from '../support/pages.js';
import { TEST_SEALER } from '../support/sealer.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';

const ALL: Scope = { all: true };
const LATER = new Date('2026-01-01T13:00:00.123Z');

export function aStoredAlarm(given: Partial<Alarm> = {}): StoredAlarm {
  const alarm = anAlarm(given);
  return { ...alarm, ...storedRule(alarm.rule) };
}

export function anEntry(given: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    eventId: 'e1',
    alarmId: 'a1',
    type: 'creation',
    detail: '{}',
    projectId: 'p1',
    userId: 'u1',
    onBehalfOf: 'p1',
    severity: 'low',
    timestamp: NOON,
    stateVersion: null,
    previousState: null,
    ...given,
  };
}

/** The behaviour of alarms that every database must have. */
export function alarmStoreContract(open: () => Promise<Database>): void {
  let db: Database;
  let alarms: AlarmStore;

  beforeAll(async () => {
    db = await open();
    alarms = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  let events = 0;
  const create = async (given: Partial<Alarm> = {}, memberProject: string | null = null): Promise<StoredAlarm> => {
    const alarm = aStoredAlarm(given);
    const entry = anEntry({ eventId: `e${(events += 1)}`, alarmId: alarm.id, timestamp: alarm.timestamp });
    await alarms.create({ alarm, memberProject, entry });
    return alarm;
  };
  const replace = (
    id: string,
    given: Partial<Alarm>,
    options: { scope?: Scope; memberProject?: string | null } = {},
  ) => {
    const { scope = ALL, memberProject = null } = options;
    const next = aStoredAlarm({ id, timestamp: LATER, ...given });
    const change = (current: StoredAlarm): AlarmChange => ({
      next: { ...next, projectId: current.projectId },
      entry: anEntry({ eventId: `e${(events += 1)}`, alarmId: id, type: 'rule change', timestamp: LATER }),
    });
    return alarms.replace(scope, id, { rule: next.rule, memberProject, change });
  };
  const row = async (id: string): Promise<Record<string, unknown>> => {
    const { rows } = await db.query<Record<string, unknown>>(
      'select *, revision::text as revision_text from alarms where id = $1',
      [id],
    );
    return rows[0] ?? {};
  };
  const ids = async (scope: Scope, query: Partial<Parameters<AlarmStore['list']>[1]> = {}): Promise<string[]> => {
    const listed = { filter: {}, sort: [{ key: 'alarm_id', descending: false }] as const, ...query };
    const found = await allOf(alarms.list(scope, listed));
    return found.map(({ id }) => id);
  };

  describe('creating', () => {
    test('an alarm is read back as it was written, null lists and milliseconds included', async () => {
      const written = await create({
        timestamp: LATER,
        stateTimestamp: LATER,
        evaluateTimestamp: LATER,
        okActions: null,
        alarmActions: ['http://a/?x=1,2', 'log://', '"quoted" {braces}'],
        timeConstraints: [{ name: 'n', description: 'é', start: '0 8 * * *', duration: 60, timezone: '' }],
        deliveryPolicy: 'every',
      });
      expect(await alarms.find(ALL, 'a1')).toEqual(written);
    });

    test('the alarm and its history entry are written together', async () => {
      await create();
      const { rows } = await db.query<{ type: string }>('select type from alarm_history where alarm_id = $1', ['a1']);
      expect(rows).toEqual([{ type: 'creation' }]);
    });

    test('an alarm is not stored if its history entry cannot be written', async () => {
      await alarms.create({
        alarm: aStoredAlarm({ id: 'a1' }),
        memberProject: null,
        entry: anEntry({ eventId: 'same' }),
      });
      const second = { alarm: aStoredAlarm({ id: 'a2' }), memberProject: null, entry: anEntry({ eventId: 'same' }) };
      await expect(alarms.create(second)).rejects.toThrow();
      expect(await alarms.find(ALL, 'a2')).toBeUndefined();
    });

    test('the partition follows from the query key', async () => {
      const { rule } = await create();
      const key = queryKeyOf(rule, NO_OPTIONS, 'a1');
      expect(await row('a1')).toMatchObject({ query_key: key, partition: partitionOf(key), previous_partition: null });
    });

    test('the last evaluation is that of the partition if it is after the creation', async () => {
      const { rule } = await create();
      const partition = partitionOf(queryKeyOf(rule, NO_OPTIONS, 'a1'));
      await db.query('update partitions set last_evaluated_at = $2 where id = $1', [partition, LATER]);
      expect((await alarms.find(ALL, 'a1'))?.evaluateTimestamp).toEqual(LATER);
    });
  });

  describe('scopes', () => {
    test.each([
      { who: 'the owner', scope: { projectId: 'p1' }, seen: true },
      { who: 'an admin', scope: ALL, seen: true },
      { who: 'another project', scope: { projectId: 'p2' }, seen: false },
    ])('$who can read, replace and delete it: $seen', async ({ scope, seen }) => {
      await create();
      expect((await alarms.find(scope, 'a1')) !== undefined).toBe(seen);
      expect(await ids(scope)).toEqual(seen ? ['a1'] : []);
      expect((await replace('a1', {}, { scope })) !== undefined).toBe(seen);
      expect((await alarms.setState(scope, 'a1', (next) => ({ next, entry: null }))) !== undefined).toBe(seen);
      expect(await alarms.remove(scope, 'a1', removedAt(LATER))).toBe(seen);
    });

    test('a filter on another project than the scope’s finds no alarms', async () => {
      await create();
      expect(await ids({ projectId: 'p2' }, { filter: { projectId: 'p1' } })).toEqual([]);
    });

    test('alarms without a project are in no project’s scope', async () => {
      await create({ projectId: null });
      expect(await ids({ projectId: '' })).toEqual([]);
      expect(await ids(ALL, { filter: { projectId: null } })).toEqual(['a1']);
    });
  });

  describe('listing', () => {
    const keys: AlarmSortKey[] = [
      'name',
      'enabled',
      'severity',
      'timestamp',
      'user_id',
      'project_id',
      'state',
      'repeat_actions',
    ];

    beforeEach(async () => {
      for (let n = 0; n < 7; n += 1) {
        await create({
          id: `a${n}`,
          name: `n${n % 3}`,
          enabled: n % 2 === 0,
          severity: (['low', 'moderate', 'critical'] as const)[n % 3] ?? 'low',
          userId: n % 3 === 0 ? null : `u${n % 2}`,
          state: n % 2 === 0 ? 'ok' : 'alarm',
          repeatActions: n > 3,
          timestamp: new Date(NOON.getTime() + (n % 2) * 1000),
        });
      }
    });

    test.each(
      keys.flatMap((key) => [
        { key, descending: false },
        { key, descending: true },
      ]),
    )('pages by $key (descending: $descending) are together the whole list', async (by) => {
      const sort = [by, { key: 'alarm_id' as const, descending: !by.descending }];
      const whole = await ids(ALL, { sort });
      const paged: string[] = [];
      for (let after: StoredAlarm | undefined; ;) {
        const page = await allOf(alarms.list(ALL, { filter: {}, sort, limit: 2, after }));
        paged.push(...page.map(({ id }) => id));
        after = page.at(-1);
        if (!after) break;
      }
      expect(new Set(whole).size).toBe(7);
      expect(paged).toEqual(whole);
    });

    test('severities are ordered by weight, not by letter', async () => {
      const sort = [{ key: 'severity' as const, descending: true }];
      const found = await allOf(alarms.list(ALL, { filter: {}, sort }));
      expect([...new Set(found.map(({ severity }) => severity))]).toEqual(['critical', 'moderate', 'low']);
    });

    test.each([
      { filter: { name: 'n1' }, expected: ['a1', 'a4'] },
      { filter: { enabled: false, state: 'alarm' }, expected: ['a1', 'a3', 'a5'] },
      { filter: { severity: 'critical' }, expected: ['a2', 'a5'] },
      { filter: { repeatActions: true }, expected: ['a4', 'a5', 'a6'] },
      { filter: { id: 'a3' }, expected: ['a3'] },
      { filter: { type: 'combination' }, expected: [] },
      { filter: { name: `n1' or true --` }, expected: [] },
    ])('the filter $filter finds $expected', async ({ filter, expected }) => {
      expect(await ids(ALL, { filter })).toEqual(expected);
    });
  });

  describe('replacing', () => {
    test('the definition version and the revision rise, and the state version is that of the change', async () => {
      await create();
      const before = await row('a1');
      expect(await replace('a1', { name: 'new', stateVersion: 4 })).toMatchObject({
        name: 'new',
        definitionVersion: 2,
      });
      const after = await row('a1');
      expect(after).toMatchObject({ name: 'new', definition_version: 2, state_version: 4, created_at: NOON });
      expect(BigInt(String(after['revision_text']))).toBeGreaterThan(BigInt(String(before['revision_text'])));
    });

    test(
      'a rule with another query key moves the alarm, and its old ' + 'partition is recorded until the next move',
      async () => {
        const { rule } = await create();
        const old = partitionOf(queryKeyOf(rule, NO_OPTIONS, 'a1'));
        const moved = aThresholdRule({ meter_name: 'memory' });
        await replace('a1', { rule: moved });
        const expected = { partition: partitionOf(queryKeyOf(moved, NO_OPTIONS, 'a1')), previous_partition: old };
        expect(await row('a1')).toMatchObject(expected);
        await replace('a1', { rule: moved, name: 'only the name' });
        expect(await row('a1')).toMatchObject(expected);
      },
    );

    test('a change that throws is rolled back', async () => {
      await create();
      const change = (): AlarmChange => {
        throw new Error('no');
      };
      await expect(alarms.replace(ALL, 'a1', { rule: aThresholdRule(), memberProject: null, change })).rejects.toThrow(
        'no',
      );
      expect(await row('a1')).toMatchObject({ definition_version: 1 });
    });

    test('concurrent writers never give the same version twice', async () => {
      await create();
      const raise = () =>
        alarms.setState(ALL, 'a1', (current) => {
          const stateVersion = current.stateVersion + 1;
          const entry = anEntry({ eventId: `s${stateVersion}`, type: 'state transition', stateVersion });
          return { next: { ...current, stateVersion }, entry };
        });
      await Promise.all(Array.from({ length: 8 }, raise));
      expect(await row('a1')).toMatchObject({ state_version: 8 });
    });

    test('setting the state does not change the definition', async () => {
      await create();
      await alarms.setState(ALL, 'a1', (current) => ({
        next: { ...current, name: 'ignored', state: 'ok', stateVersion: 1, stateReason: 'why', stateTimestamp: LATER },
        entry: null,
      }));
      expect(await row('a1')).toMatchObject({
        name: 'cpu high',
        state: 'ok',
        state_reason: 'why',
        definition_version: 1,
      });
    });
  });

  describe('deleting', () => {
    test('readers do not find a deleted alarm, and evaluators find a tombstone with a new revision', async () => {
      await create();
      const before = await row('a1');
      expect(await alarms.remove(ALL, 'a1', removedAt(LATER))).toBe(true);
      expect(await alarms.find(ALL, 'a1')).toBeUndefined();
      expect(await ids(ALL)).toEqual([]);
      const after = await row('a1');
      expect(after).toMatchObject({ deleted_at: LATER, definition_version: 2 });
      expect(BigInt(String(after['revision_text']))).toBeGreaterThan(BigInt(String(before['revision_text'])));
    });

    test('an absent or already deleted alarm is not deleted again', async () => {
      await create();
      await alarms.remove(ALL, 'a1', removedAt(LATER));
      expect(await alarms.remove(ALL, 'a1', removedAt(LATER))).toBe(false);
      expect(await alarms.remove(ALL, 'never', removedAt(LATER))).toBe(false);
      expect(await replace('a1', {})).toBeUndefined();
    });

    test('the history remains after the alarm is deleted', async () => {
      await create();
      await alarms.remove(ALL, 'a1', removedAt(LATER));
      const { rows } = await db.query('select event_id from alarm_history where alarm_id = $1', ['a1']);
      expect(rows).toHaveLength(2);
    });
  });

  describe('pending notifications', () => {
    const notify = (id: string, status: string): Promise<unknown> =>
      db.query(
        `insert into notifications (id, alarm_id, kind, sequence, transition_time, action_list, action_index, action,
          lane, host, body,
           status, next_attempt_at, created_at)
         values ($1, 'a1', 'transition', $2, $3, 'alarm_actions', 0, 'http://a', 'l', 'a:80', '{}', $4, $3, $3)`,
        [id, Number(id.slice(1)), NOON, status],
      );
    const statuses = async (): Promise<unknown[]> => {
      const { rows } = await db.query('select id, status, last_error from notifications order by id');
      return rows;
    };

    test.each([
      { when: 'the alarm is deleted', reason: 'alarm deleted', act: () => alarms.remove(ALL, 'a1', removedAt(LATER)) },
      { when: 'the alarm is disabled', reason: 'alarm disabled', act: () => replace('a1', { enabled: false }) },
    ])('are cancelled when $when; notifications in flight and ended ones are not', async ({ reason, act }) => {
      await create();
      await notify('n1', 'pending');
      await notify('n2', 'in_flight');
      await notify('n3', 'delivered');
      await act();
      expect(await statuses()).toEqual([
        { id: 'n1', status: 'cancelled', last_error: reason },
        { id: 'n2', status: 'in_flight', last_error: null },
        { id: 'n3', status: 'delivered', last_error: null },
      ]);
    });

    test('are kept when an enabled alarm is edited', async () => {
      await create({ alarmActions: ['http://a'] });
      await notify('n1', 'pending');
      await replace('a1', { name: 'new', alarmActions: ['http://a'] });
      expect(await statuses()).toEqual([{ id: 'n1', status: 'pending', last_error: null }]);
    });
  });

  combinationStoreContract(() => ({ db, alarms, create, replace }));
}

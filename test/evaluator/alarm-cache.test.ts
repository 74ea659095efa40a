import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { partitionOf, queryKeyOf } from '../../src/alarm/partition-key.js';
import type { SeriesNeed } from '../../src/alarm/series.js';
import { alarmTypes } from '../../src/alarm/types/index.js';
import { AlarmCache } from '../../src/evaluator/alarm-cache.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationStore } from '../../src/storage/evaluation/evaluation-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, thresholdRule } from '../support/stored-alarms.js';

describeWithPostgres('the alarm cache', () => {
  let db: Database;
  let cache: AlarmCache;
  let unreadable: string[];
  const rule = thresholdRule({ meter_name: 'm0' });
  const heldPartition = partitionOf(queryKeyOf(rule, NO_OPTIONS, ''));

  beforeAll(async () => {
    db = await serverDatabase();
  });
  beforeEach(async () => {
    await empty(db);
    unreadable = [];
    cache = new AlarmCache({
      ...createEvaluationStore(db),
      isConfigured: () => true,
      onUnreadable: (id) => unreadable.push(id),
      clock: new FakeClock(),
    });
  });
  afterAll(() => db.close());

  /** Loads new partitions and reads the changes of the others. */
  const readAll = async (): Promise<void> => {
    await cache.load();
    await cache.refresh();
  };

  const idsIn = (partition: number): string[] => [...cache.alarmsOf(partition)].map(({ id }) => id).sort();

  test('holds the enabled and not deleted alarms of the held partitions', async () => {
    await storeAlarm(db, { id: 'here', rule });
    await storeAlarm(db, { id: 'off', rule, enabled: false });
    await storeAlarm(db, { id: 'elsewhere', rule: thresholdRule({ meter_name: 'another' }) });
    cache.take([heldPartition]);
    await readAll();
    expect(idsIn(heldPartition)).toEqual(['here']);
    expect(cache.size).toBe(1);
  });

  test('leaves out and reports an alarm that this release cannot read, and keeps the others', async () => {
    await storeAlarm(db, { id: 'good', rule });
    await storeAlarm(db, { id: 'of a newer release', rule });
    await db.query("update alarms set type = 'unheard_of' where id = 'of a newer release'");
    cache.take([heldPartition]);
    await readAll();
    expect(idsIn(heldPartition)).toEqual(['good']);
    expect(unreadable).toEqual(['of a newer release']);
  });

  describe('counts alarms without a configured backend by type', () => {
    const prometheus = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1 });
    const gnocchi = { metric: 'cpu', aggregation_method: 'mean', threshold: 1 };
    const composite = alarmTypes.composite.schema.parse({
      or: [
        { type: 'prometheus', query: 'up', threshold: 1 },
        { type: 'gnocchi_resources_threshold', resource_id: 'r', resource_type: 'instance', ...gnocchi },
      ],
    });

    const elsewhere = alarmTypes.composite.schema.parse({
      or: [
        { type: 'prometheus', query: 'up', threshold: 1 },
        { type: 'prometheus', query: 'up', threshold: 1, tocsin: { backend: 'east' } },
      ],
    });

    beforeEach(async () => {
      await storeAlarm(db, { id: 'meters', rule });
      await storeAlarm(db, { id: 'p1', rule: prometheus });
      await storeAlarm(db, { id: 'p2', rule: prometheus });
      await storeAlarm(db, { id: 'off', rule: prometheus, enabled: false });
      await storeAlarm(db, { id: 'tree', rule: composite });
      await storeAlarm(db, { id: 'elsewhere', rule: elsewhere });
      await storeAlarm(db, { id: 'event', rule: alarmTypes.event.schema.parse({}) });
      await storeAlarm(db, { id: 'of members', rule: combinationRule('or', 'meters', 'p1') });
      await db.query('update alarms set partition = $1', [heldPartition]);
    });

    test.each([
      { configured: ['meters'], waiting: { prometheus: 2, composite: 2 } },
      { configured: ['meters', 'prometheus'], waiting: { composite: 2 } },
      { configured: ['meters', 'prometheus', 'prometheus east'], waiting: { composite: 1 } },
      { configured: ['meters', 'prometheus east'], waiting: { prometheus: 2, composite: 2 } },
      { configured: ['meters', 'gnocchi'], waiting: { prometheus: 2, composite: 2 } },
      { configured: ['meters', 'gnocchi', 'prometheus'], waiting: { composite: 1 } },
      { configured: ['meters', 'gnocchi', 'prometheus', 'prometheus east'], waiting: {} },
    ])('if $configured are configured', async ({ configured, waiting }) => {
      const isConfigured = ({ datasource, backend }: Pick<SeriesNeed, 'datasource' | 'backend'>): boolean =>
        configured.includes(backend === null ? datasource : `${datasource} ${backend}`);
      cache = new AlarmCache({
        ...createEvaluationStore(db),
        isConfigured,
        onUnreadable: (id) => unreadable.push(id),
        clock: new FakeClock(),
      });
      cache.take([heldPartition]);
      await readAll();
      expect(Object.fromEntries(cache.withoutBackend())).toEqual(waiting);
      expect(cache.size).toBe(6 - Object.values(waiting).reduce((sum, alarms) => sum + alarms, 0));
    });

    test('until they are disabled, deleted, or released', async () => {
      const isConfigured = ({ datasource }: { datasource: string }): boolean => datasource === 'meters';
      cache = new AlarmCache({
        ...createEvaluationStore(db),
        isConfigured,
        onUnreadable: (id) => unreadable.push(id),
        clock: new FakeClock(),
      });
      cache.take([heldPartition]);
      await readAll();
      await db.query("update alarms set enabled = false, revision = pg_current_xact_id() where id = 'p1'");
      await db.query("update alarms set deleted_at = now(), revision = pg_current_xact_id() where id = 'tree'");
      await readAll();
      expect(Object.fromEntries(cache.withoutBackend())).toEqual({ prometheus: 1, composite: 1 });
      cache.drop([heldPartition]);
      expect(cache.withoutBackend().size).toBe(0);
    });
  });

  test('finds a write whose transaction began before the last read and committed after it', async () => {
    cache.take([heldPartition]);
    let commit: () => void = () => undefined;
    const mayCommit = new Promise<void>((resolve) => (commit = resolve));
    let isWritten: () => void = () => undefined;
    const written = new Promise<void>((resolve) => (isWritten = resolve));
    const slow = db.transaction(async (tx) => {
      await storeAlarm({ ...db, query: (text, parameters) => tx.query(text, parameters) }, { id: 'late', rule });
      isWritten();
      await mayCommit;
    });
    await written;
    await storeAlarm(db, { id: 'quick', rule }); // a later transaction that commits first
    await readAll();
    await readAll();
    expect(idsIn(heldPartition)).toEqual(['quick']);
    commit();
    await slow;
    await readAll();
    expect(idsIn(heldPartition)).toEqual(['late', 'quick']);
  });

  test('removes an alarm that moved to a partition of another evaluator', async () => {
    await storeAlarm(db, { id: 'a', rule });
    cache.take([heldPartition]);
    await readAll();
    await db.query(
      'update alarms set previous_partition = partition, partition = $1, revision = pg_current_xact_id()',
      [(heldPartition + 1) % 256],
    );
    await readAll();
    expect(cache.size).toBe(0);
  });

  test('keeps a committed transition when an older read arrives after it', async () => {
    await storeAlarm(db, { id: 'a', rule, state: 'ok' });
    cache.take([heldPartition]);
    await readAll();
    cache.committed({ alarmId: 'a', to: 'alarm', reason: 'r' }, 1);
    // As if read before the commit: the state version is still 0.
    await db.query('update alarms set revision = pg_current_xact_id()');
    await readAll();
    expect([...cache.alarmsOf(heldPartition)][0]).toMatchObject({ state: 'alarm', stateVersion: 1 });
  });

  test('reads alarms again one by one after a refused commit, and whole partitions after a lost answer', async () => {
    await storeAlarm(db, { id: 'a', rule, state: 'ok' });
    await storeAlarm(db, { id: 'b', rule, state: 'ok' });
    cache.take([heldPartition]);
    await readAll();
    // The revision does not change, so a refresh does not see the write.
    await db.query("update alarms set state = 'alarm', state_version = 1");
    cache.reread(['a']);
    await readAll();
    expect(Object.fromEntries([...cache.alarmsOf(heldPartition)].map(({ id, state }) => [id, state]))).toEqual({
      a: 'alarm',
      b: 'ok',
    });
    cache.invalidate([heldPartition]);
    await readAll();
    expect(Object.fromEntries([...cache.alarmsOf(heldPartition)].map(({ id, state }) => [id, state]))).toEqual({
      a: 'alarm',
      b: 'alarm',
    });
  });

  describe('reports the oldest revision that it waits for', () => {
    test('as null until all held partitions are loaded', async () => {
      cache.take([heldPartition, (heldPartition + 1) % 256]);
      expect(cache.seen).toBeNull();
      await readAll();
      expect(cache.seen).toMatch(/^\d+$/);
      cache.take([(heldPartition + 2) % 256]);
      expect(cache.seen).toBeNull();
    });
  });
});

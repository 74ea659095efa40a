import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { createImportStore } from '../../src/storage/alarms/import-store.js';
import type { Database } from '../../src/storage/database.js';
import { DatabaseUnavailable } from '../../src/storage/engine/outage.js';
import { createEvaluationCounterStore } from '../../src/storage/evaluation/evaluation-counter-store.js';
import { createNotificationClaimStore } from '../../src/storage/notifications/notification-claim-store.js';
import { createSettleAlarms } from '../../src/storage/silences/settle-store.js';
import { createRetentionStore } from '../../src/storage/retention/retention-store.js';
import { NOON } from '../support/builders.js';
import { empty, serverDatabase } from '../support/databases.js';
import { holdLock, type HeldLock } from '../support/held-lock.js';
import { TEST_SEALER } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAlarms, thresholdRule } from '../support/stored-alarms.js';
import { statuses, storeNotifications } from '../support/stored-notifications.js';

const IDS = ['a', 'b', 'c', 'd'];
const LOCKED = 'b';
const OTHERS = IDS.filter((id) => id !== LOCKED);

describeWithPostgres('while another transaction has locked one row', () => {
  let db: Database;
  let lock: HeldLock | undefined;
  beforeAll(async () => {
    db = await serverDatabase();
  });
  beforeEach(async () => {
    lock = undefined;
    await empty(db);
    await storeAlarms(
      db,
      IDS.map((id) => ({ id, rule: thresholdRule() })),
    );
  });
  afterEach(() => lock?.release());
  afterAll(() => db.close());

  async function idsOf(text: string): Promise<string[]> {
    const { rows } = await db.query<{ id: string }>(text);
    return rows.map(({ id }) => id).sort();
  }

  /** The ids of the alarms that it has activated, until it ends or fails. */
  async function activateAll(): Promise<{ activated: string[]; failure?: unknown }> {
    const activated: string[] = [];
    const { activate } = createImportStore(db, TEST_SEALER);
    try {
      for await (const page of activate({ by: { projectId: null, userId: null }, at: NOON }))
        activated.push(...page.map(({ id }) => id));
      return { activated };
    } catch (failure) {
      return { activated, failure };
    }
  }

  test('an activation of imported alarms activates the others, fails as an outage, and can be repeated', async () => {
    await db.query('update alarms set muted = true');
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    const { activated, failure } = await activateAll();
    expect(activated.sort()).toEqual(OTHERS);
    expect(failure).toBeInstanceOf(DatabaseUnavailable);
    expect(await idsOf('select id from alarms where not muted')).toEqual(OTHERS);
    await lock.release();
    expect(await activateAll()).toEqual({ activated: [LOCKED] });
    expect(await idsOf('select id from alarms where not muted')).toEqual(IDS);
    expect(await idsOf('select alarm_id as id from alarm_history')).toEqual(IDS);
  });

  test('the retention of deleted alarms deletes the others, and this one at the next time', async () => {
    const { pruneTombstones } = createRetentionStore(db);
    await db.query('update alarms set deleted_at = $1', [NOON]);
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    const later = new Date(NOON.getTime() + 1);
    expect(await pruneTombstones(later)).toBe(OTHERS.length);
    await lock.release();
    expect(await pruneTombstones(later)).toBe(1);
  });

  test('the retention of events deletes the others, and this one at the next time', async () => {
    const { pruneEvents } = createRetentionStore(db);
    await db.query(
      `insert into events (message_id, event_type, project_id, body, received_at)
       select id, 'type', 'p', '{}', $1 from alarms`,
      [NOON],
    );
    lock = await holdLock(db, 'select from events where message_id = $1 for update', [LOCKED]);
    const later = new Date(NOON.getTime() + 1);
    expect(await pruneEvents(later)).toBe(OTHERS.length);
    await lock.release();
    expect(await pruneEvents(later)).toBe(1);
  });

  test('the results of the other alarms are counted', async () => {
    const { add } = createEvaluationCounterStore(db);
    const results = IDS.map((alarmId) => ({ alarmId, state: 'ok' as const }));
    await add(results);
    lock = await holdLock(db, 'select from evaluation_counters where alarm_id = $1 for update', [LOCKED]);
    await add(results);
    expect(await idsOf('select alarm_id as id from evaluation_counters where ok = 2')).toEqual(OTHERS);
    await lock.release();
    await add(results);
    expect(await idsOf('select alarm_id as id from evaluation_counters where ok = 3')).toEqual(OTHERS);
  });

  const notificationId = (alarmId: string): string => `n-${alarmId}`;
  const lockNotification = (): Promise<HeldLock> =>
    holdLock(db, 'select from notifications where id = $1 for update', [notificationId(LOCKED)]);

  test('the outcomes of the other attempts are recorded, and this one when it is recorded again', async () => {
    const { record } = createNotificationClaimStore(db);
    await storeNotifications(
      db,
      IDS.map((id) => ({ id: notificationId(id), alarmId: id, status: 'in_flight', attempt: 1, claimUntil: NOON })),
    );
    const outcome = { outcome: 'delivered', httpStatus: 204, error: null, nextAttemptAt: null } as const;
    const attempts = IDS.map((id) => ({
      id: notificationId(id),
      attempt: 1,
      startedAt: NOON,
      durationMs: 1,
      ...outcome,
    }));
    const rules = { now: NOON, defaultPolicy: 'current', maxAgeMs: 60_000 } as const;
    lock = await lockNotification();
    const { recorded, locked } = await record(attempts, rules);
    expect(recorded.map(({ id }) => id).sort()).toEqual(OTHERS.map(notificationId));
    expect(locked).toEqual(attempts.filter(({ id }) => id === notificationId(LOCKED)));
    await lock.release();
    expect(await record(locked, rules)).toMatchObject({ recorded: [{ id: notificationId(LOCKED) }], locked: [] });
    expect(new Set(Object.values(await statuses(db)))).toEqual(new Set(['delivered']));
  });

  test('notifications of the other alarms are released after a silence, and this one at the next time', async () => {
    await db.query(`update alarms set state = 'alarm', state_version = 1, told_state = 'ok', partition = 7`);
    await db.query(`update partitions set owner = 'm', epoch = 1 where id = 7`);
    await storeNotifications(
      db,
      IDS.map((id) => ({ id: notificationId(id), alarmId: id, status: 'silenced', finishedAt: NOON })),
    );
    const settle = async (): Promise<string[]> => {
      const { settled } = await createSettleAlarms(db)({ memberId: 'm', partitions: [{ id: 7, epoch: 1 }], now: NOON });
      expect(settled.every(({ released }) => released === 1)).toBe(true);
      return settled.map(({ id }) => id).sort();
    };
    lock = await lockNotification();
    expect(await settle()).toEqual(OTHERS);
    expect(await statuses(db)).toMatchObject({
      [notificationId('a')]: 'pending',
      [notificationId(LOCKED)]: 'silenced',
    });
    await lock.release();
    expect(await settle()).toEqual([LOCKED]);
    expect(new Set(Object.values(await statuses(db)))).toEqual(new Set(['pending']));
  });
});

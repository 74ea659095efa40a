import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { unsealedAction } from '../../../src/alarm/stored-action.js';
import type { Database } from '../../../src/storage/database.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { createNotificationUpkeepStore } from '../../../src/storage/notifications/notification-upkeep-store.js';
import { sealNotifications } from '../../../src/storage/notifications/seal-notifications.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import {
  statuses,
  storeAnsweringHosts,
  storeNotification,
  type StoredNotification,
} from '../../support/stored-notifications.js';

const ALL = { all: true } as const;
const RULES = { staleBefore: NOON, defaultPolicy: 'current' } as const;
const at = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);

describe('tests of actions on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('tests of actions on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAlarm(db, { id: 'a', rule: thresholdRule() });
    await db.query("update alarms set state_version = 2 where id = 'a'");
    await storeAnsweringHosts(db, 'receiver:80');
  });
  afterAll(() => db.close());

  const aTest = (id: string, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNotification(db, { id, kind: 'test', queue: `test-${id}`, replayedAt: NOON, ...given });
  const upkeep = () => createNotificationUpkeepStore(db);
  async function claimedAt(now: Date): Promise<string[]> {
    const request = { claimUntil: at(600), limit: 50, perHost: 32, perHostAndProject: 32, cursor: FROM_THE_START };
    const { claimed } = await createNotificationClaimStore(db).claim({ now, ...request });
    return claimed.map(({ id }) => id).sort();
  }

  test('a test is sent although an older notification of the alarm and the action waits', async () => {
    await storeNotification(db, { id: 'waiting', nextAttemptAt: at(3_600), attempt: 1 });
    await aTest('test');
    expect(await claimedAt(NOON)).toEqual(['test']);
  });

  test('a notification of the alarm is sent although a test of its action is under way', async () => {
    await aTest('test', { status: 'in_flight', attempt: 1, claimUntil: at(80) });
    await storeNotification(db, { id: 'transition', sequence: 2 });
    expect(await claimedAt(NOON)).toEqual(['transition']);
  });

  test('a newer transition supersedes no test', async () => {
    await aTest('test', { sequence: 1, createdAt: at(-30) });
    await storeNotification(db, { id: 'stale', sequence: 1, createdAt: at(-30) });
    expect(await upkeep().supersede(NOON, RULES)).toBe(1);
    expect(await statuses(db)).toEqual({ test: 'pending', stale: 'superseded' });
  });

  test('a test whose notifier was killed is dead, since it has one attempt', async () => {
    await aTest('test', { status: 'in_flight', attempt: 1, claimUntil: at(-1) });
    await storeNotification(db, { id: 'other', status: 'in_flight', attempt: 1, claimUntil: at(-1) });
    expect(await upkeep().reclaim(NOON)).toBe(2);
    expect(await statuses(db)).toEqual({ test: 'dead', other: 'pending' });
    const { rows } = await db.query("select finished_at from notifications where id = 'test'");
    expect(rows).toEqual([{ finished_at: NOON }]);
  });

  test.each([
    [59, ['test']],
    [60, []],
  ])('a test that has waited for %d s: a notifier claims %j', async (seconds, claimed) => {
    await aTest('test');
    expect(await claimedAt(at(seconds))).toEqual(claimed);
    expect(await statuses(db)).toEqual({ test: claimed.length > 0 ? 'in_flight' : 'cancelled' });
  });

  test('the sweep cancels a late test that no notifier may claim, and no other notification', async () => {
    await createNotificationAdminStore(db).pause('p', NOON);
    await aTest('late', { createdAt: at(-60) });
    await aTest('fresh', { createdAt: at(-59) });
    await storeNotification(db, { id: 'transition', sequence: 2, createdAt: at(-3_600) });
    expect(await upkeep().cancel(NOON)).toBe(1);
    expect(await statuses(db)).toEqual({ late: 'cancelled', fresh: 'pending', transition: 'pending' });
  });

  test('a failed test does not count as a dead notification', async () => {
    await aTest('failed', { status: 'dead' });
    await storeNotification(db, { id: 'dead', status: 'dead' });
    expect(await upkeep().figures(NOON)).toMatchObject({ dead: 1, open: 0 });
  });

  test('ended tests are deleted as repeats are, with their bodies', async () => {
    await aTest('old', { status: 'dead', finishedAt: at(-3_601) });
    await aTest('new', { status: 'delivered', finishedAt: at(-3_599) });
    await storeNotification(db, { id: 'dead', status: 'dead', finishedAt: at(-3_601) });
    const day = at(-86_400);
    const limits = { delivered: day, repeats: at(-3_600), dead: day, hosts: day, holds: day, hours: day };
    await createNotificationRetention(db)(limits);
    expect(Object.keys(await statuses(db))).toEqual(['new', 'dead']);
    expect((await db.query('select id from notification_bodies')).rows).toHaveLength(2);
  });

  test('a test is not replayed, neither alone nor among all dead notifications', async () => {
    await aTest('failed', { status: 'dead', finishedAt: at(-1) });
    await storeNotification(db, { id: 'dead', alarmId: 'gone', status: 'dead', finishedAt: at(-1) });
    const admin = createNotificationAdminStore(db);
    expect(await admin.replay(ALL, { id: 'failed' }, NOON)).toMatchObject({ replayed: 0 });
    expect(await admin.replay(ALL, { status: 'dead' }, NOON)).toMatchObject({ replayed: 1 });
    expect(await statuses(db)).toEqual({ failed: 'dead', dead: 'pending' });
  });

  test('a test keeps its delivery queue when its action is sealed, and a transition that of the alarm', async () => {
    const action = unsealedAction('http://receiver/hook?token=secret');
    await aTest('test', { action });
    await storeNotification(db, { id: 'transition', action });
    const columns = 'id, alarm_id as "alarmId", project_id as "projectId", action, lane, body_id::text as "bodyId"';
    const { rows } = await db.query<Parameters<typeof sealNotifications>[1][number]>(
      `select ${columns} from notifications order by id`,
    );
    await db.transaction((tx) => sealNotifications(tx, rows, 'salt', TEST_SEALER));
    const sealed = await db.query<{ lane: string; action: string }>(
      'select lane, action from notifications order by id',
    );
    expect(sealed.rows.map(({ action: stored }) => stored.startsWith('sealed:'))).toEqual([true, true]);
    expect(sealed.rows[0]?.lane).toBe('test-test');
    expect(sealed.rows[1]?.lane).not.toBe(rows[1]?.lane);
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import type { ReplayFilter } from '../../../src/storage/notifications/replay-candidates.js';
import { previewReplay } from '../../../src/storage/notifications/replay-preview.js';
import type { Scope } from '../../../src/storage/scope.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import { storeNotifications, storeNumbered, type StoredNotification } from '../../support/stored-notifications.js';

const ALL = { all: true } as const;
const OF_P = { projectId: 'p' };
const at = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);
const DEAD = { status: 'dead', attempt: 11, finishedAt: NOON } as const;

describe('previews of replays on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('previews of replays on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const dead = (...given: Partial<StoredNotification>[]): Promise<void> =>
    storeNotifications(
      db,
      given.map((each, index) => ({ id: `n${index}`, queue: String(index), ...DEAD, ...each })),
    );
  const counted = async (scope: Scope, filter: ReplayFilter): Promise<number> =>
    (await previewReplay(db, scope, filter)).notifications;

  test('count by receiver the notifications that a replay by the same filter then sends again', async () => {
    await storeNumbered(db, 'a', 251, { ...DEAD, host: 'a:80' });
    await storeNumbered(db, 'b', 3, { ...DEAD, host: 'b:80' });
    const preview = await previewReplay(db, OF_P, { status: 'dead' });
    expect(preview).toEqual({
      notifications: 254,
      removed: 0,
      receivers: new Map([
        ['a:80', 251],
        ['b:80', 3],
      ]),
      isComplete: true,
    });
    const replayed = await createNotificationAdminStore(db).replay(OF_P, { status: 'dead' }, at(1));
    expect(replayed).toMatchObject({ replayed: 254, removed: 0, hasMore: false });
    expect(await counted(OF_P, { status: 'dead' })).toBe(0);
  });

  test.each<{ filter: Omit<ReplayFilter, 'status'>; expected: number }>([
    { filter: {}, expected: 4 },
    { filter: { host: 'other:80' }, expected: 1 },
    { filter: { alarmId: 'b' }, expected: 1 },
    { filter: { kind: 'repeat' }, expected: 1 },
    { filter: { since: at(-30) }, expected: 3 },
    { filter: { until: at(-30) }, expected: 1 },
    { filter: { since: at(-60), until: at(0) }, expected: 1 },
    { filter: { endedBefore: NOON.toISOString() }, expected: 0 },
    { filter: { endedBefore: at(1).toISOString() }, expected: 4 },
    { filter: { kind: 'test' }, expected: 0 },
  ])('and replays count $expected with $filter', async ({ filter, expected }) => {
    await dead(
      { host: 'other:80' },
      { alarmId: 'b' },
      { kind: 'repeat' },
      { createdAt: at(-60) },
      { kind: 'test' },
      { status: 'cancelled' },
    );
    expect(await counted(OF_P, { status: 'dead', ...filter })).toBe(expected);
    const replayed = await createNotificationAdminStore(db).replay(OF_P, { status: 'dead', ...filter }, at(1));
    expect(replayed).toMatchObject({ replayed: expected, hasMore: false });
  });

  test('count apart the notifications whose action an edit has removed', async () => {
    await storeAlarm(db, { id: 'a', projectId: 'p', rule: thresholdRule(), alarmActions: [] });
    await dead({ actionList: 'alarm_actions', alarmId: 'a' }, { alarmId: 'b' });
    expect(await previewReplay(db, OF_P, { status: 'dead' })).toMatchObject({ notifications: 1, removed: 1 });
  });

  test('see the notifications of their scope only', async () => {
    await dead({}, { projectId: 'q' }, { projectId: null });
    expect(await counted(OF_P, { status: 'dead' })).toBe(1);
    expect(await counted(ALL, { status: 'dead' })).toBe(3);
  });

  test.each([
    ['counted', { mostCounted: 250, mostRead: 10_000 }],
    ['read', { mostCounted: 10_000, mostRead: 250 }],
  ])('end at the most that are %s, and say so', async (_, limits) => {
    await storeNumbered(db, 'a', 251, DEAD);
    expect(await previewReplay(db, OF_P, { status: 'dead' }, limits)).toMatchObject({
      notifications: 250,
      isComplete: false,
    });
  });
}

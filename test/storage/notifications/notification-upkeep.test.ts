import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import {
  createNotificationAdminStore,
  type NotificationAdminStore,
} from '../../../src/storage/notifications/notification-admin-store.js';
import {
  createNotificationClaimStore,
  type FinishedAttempt,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import {
  createNotificationUpkeepStore,
  type NotificationUpkeepStore,
} from '../../../src/storage/notifications/notification-upkeep-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { failing } from '../../support/failing-database.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import {
  A_BODY,
  statuses,
  storeAnsweringHosts,
  storeNotification,
  type StoredNotification,
} from '../../support/stored-notifications.js';
import { allOf } from '../../support/pages.js';

const DAY_MS = 86_400_000;
const ALL = { all: true } as const;

interface Bench {
  db: Database;
  claims: NotificationClaimStore;
  upkeep: NotificationUpkeepStore;
  admin: NotificationAdminStore;
}

function at(ms: number): Date {
  return new Date(NOON.getTime() + ms);
}

describe('the outbox on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the outbox on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const bench = {} as Bench;
  beforeAll(async () => {
    const db = await open();
    const stores = { claims: createNotificationClaimStore(db), upkeep: createNotificationUpkeepStore(db) };
    Object.assign(bench, { db, ...stores, admin: createNotificationAdminStore(db) });
  });
  beforeEach(async () => {
    await empty(bench.db);
    await storeAlarm(bench.db, { id: 'a', rule: thresholdRule() });
    await bench.db.query("update alarms set state_version = 1 where id = 'a'");
    await storeAnsweringHosts(bench.db, 'receiver:80');
  });
  afterAll(() => bench.db.close());

  describe('recording', () => recording(bench));
  describe('expired claims and superseded notifications', () => upkeep(bench));
  describe('figures and retention', () => figuresAndRetention(bench));
  describe('replaying', () => replaying(bench));
}

function inFlight(bench: Bench, given: Partial<StoredNotification> = {}): Promise<void> {
  return storeNotification(bench.db, { id: 'n', status: 'in_flight', attempt: 1, claimUntil: at(30_000), ...given });
}

function record({ claims }: Bench, given: Partial<FinishedAttempt> = {}) {
  const finished: FinishedAttempt = {
    id: 'n',
    attempt: 1,
    startedAt: NOON,
    durationMs: 12.4,
    outcome: 'retry',
    httpStatus: 500,
    error: 'http_500',
    nextAttemptAt: at(5_000),
    ...given,
  };
  return claims
    .record([finished], { now: at(100), defaultPolicy: 'current', maxAgeMs: DAY_MS })
    .then(({ recorded }) => recorded);
}

function recording(bench: Bench): void {
  const DELIVERED = { outcome: 'delivered', httpStatus: 204, error: null, nextAttemptAt: null } as const;

  test('a delivered notification ends, and its attempt is recorded', async () => {
    await inFlight(bench);
    expect(await record(bench, DELIVERED)).toMatchObject([{ id: 'n', status: 'delivered', lastError: null }]);
    const [stored] = await allOf(bench.admin.list(ALL, {}));
    expect(stored).toMatchObject({ status: 'delivered', attempt: 1, finishedAt: at(100), lastError: null });
    expect(await bench.admin.attempts(ALL, 'n')).toEqual([
      { attempt: 1, startedAt: NOON, durationMs: 12, outcome: 'delivered', httpStatus: 204, error: null, answer: null },
    ]);
  });

  test('a failed notification waits for its next attempt', async () => {
    await inFlight(bench);
    expect(await record(bench)).toMatchObject([{ id: 'n', status: 'pending', lastError: 'http_500' }]);
    const [stored] = await allOf(bench.admin.list(ALL, {}));
    expect(stored).toMatchObject({ status: 'pending', attempt: 1, nextAttemptAt: at(5_000), finishedAt: null });
  });

  test.each([{ attempt: 1 }, { attempt: 3 }])(
    'an outcome of attempt $attempt is ignored while attempt 2 is under way',
    async ({ attempt }) => {
      await inFlight(bench, { attempt: 2 });
      expect(await record(bench, { ...DELIVERED, attempt })).toEqual([]);
      expect(await statuses(bench.db)).toEqual({ n: 'in_flight' });
      expect(await bench.admin.attempts(ALL, 'n')).toEqual([]);
    },
  );

  test('an outcome that is recorded twice counts once', async () => {
    await inFlight(bench);
    expect(await record(bench, DELIVERED)).toHaveLength(1);
    await record(bench);
    expect(await statuses(bench.db)).toEqual({ n: 'delivered' });
    expect(await bench.admin.attempts(ALL, 'n')).toMatchObject([{ outcome: 'delivered' }]);
  });

  test.each([
    { outcome: 'a delivery', finished: DELIVERED },
    { outcome: 'a failure', finished: {} },
    { outcome: 'a refusal', finished: { outcome: 'dead', error: 'rejected', nextAttemptAt: null } },
  ] as const)(
    '$outcome that is recorded, and whose answer is lost, is returned by the next try',
    async ({ finished }) => {
      await inFlight(bench);
      const told = await record(bench, finished);
      expect(await record(bench, finished)).toEqual(told);
      await bench.db.query(`update notifications set status = 'in_flight', attempt = 2 where status = 'pending'`);
      expect(await record(bench, finished)).toEqual(told);
    },
  );

  test('an outcome is recorded and told if the statements after it fail', async () => {
    // Its alarm has no actions, so its action is looked up.
    await inFlight(bench, { actionList: 'alarm_actions' });
    const db = failing(bench.db);
    const recordOn = () => record({ ...bench, claims: createNotificationClaimStore(db) });
    const lost = new DatabaseUnavailable(new Error('Connection terminated unexpectedly'));
    db.failAt(/n\.action_list as/, lost);
    expect(await recordOn()).toMatchObject([{ id: 'n', status: 'pending' }]);
    db.failAt(/as "isClaimed"/, lost);
    expect(await recordOn()).toEqual([]);
    db.heal();
    expect(await recordOn()).toMatchObject([{ id: 'n', status: 'pending' }]);
  });

  test.each<{
    when: string;
    finished: Partial<FinishedAttempt>;
    row: Partial<StoredNotification>;
    becomes: string;
    lastError: string;
  }>([
    {
      when: 'the receiver refuses',
      finished: { outcome: 'dead', error: 'rejected', nextAttemptAt: null },
      row: {},
      becomes: 'dead',
      lastError: 'rejected',
    },
    {
      when: 'the schedule is exhausted',
      finished: { nextAttemptAt: null },
      row: {},
      becomes: 'dead',
      lastError: 'exhausted: http_500',
    },
    {
      when: 'it is too old',
      finished: {},
      row: { createdAt: at(-DAY_MS) },
      becomes: 'dead',
      lastError: 'expired: http_500',
    },
    {
      when: 'it is old, but was sent again lately',
      finished: {},
      row: { createdAt: at(-DAY_MS), replayedAt: NOON },
      becomes: 'pending',
      lastError: 'http_500',
    },
    {
      when: 'the alarm has a newer transition',
      finished: {},
      row: { sequence: 0 },
      becomes: 'superseded',
      lastError: 'superseded: http_500',
    },
    {
      when: 'the alarm has a newer transition, but every one counts',
      finished: {},
      row: { sequence: 0, policy: 'every' },
      becomes: 'pending',
      lastError: 'http_500',
    },
    {
      when: 'the alarm has a newer transition than this repeat',
      finished: {},
      row: { sequence: 0, policy: 'every', kind: 'repeat' },
      becomes: 'superseded',
      lastError: 'superseded: http_500',
    },
    {
      when: 'the alarm is gone',
      finished: {},
      row: { alarmId: 'gone' },
      becomes: 'cancelled',
      lastError: 'cancelled: http_500',
    },
  ])('a notification that fails when $when becomes $becomes', async ({ finished, row, becomes, lastError }) => {
    await inFlight(bench, row);
    expect(await record(bench, finished)).toMatchObject([{ id: 'n', status: becomes, lastError }]);
  });

  test.each([
    { what: 'deleted', change: "update alarms set deleted_at = now(), enabled = true where id = 'a'" },
    { what: 'disabled', change: "update alarms set enabled = false where id = 'a'" },
  ])(
    'a failed notification is cancelled if its alarm was $what during the attempt; a delivered one is delivered',
    async ({ change }) => {
      await bench.db.query(change);
      await inFlight(bench);
      await inFlight(bench, { id: 'm', action: 'http://receiver/other' });
      await record(bench);
      await record(bench, { ...DELIVERED, id: 'm' });
      expect(await statuses(bench.db)).toEqual({ n: 'cancelled', m: 'delivered' });
    },
  );
}

function upkeep(bench: Bench): void {
  const put = (id: string, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNotification(bench.db, { id, action: `http://receiver/${id}`, ...given });

  test('a notification is due at once when its claim expires, and not before', async () => {
    await inFlight(bench, { id: 'lapsed', claimUntil: at(-1) });
    await inFlight(bench, { id: 'held', claimUntil: at(1), action: 'http://receiver/held' });
    await inFlight(bench, { id: 'unwanted', claimUntil: at(-1), alarmId: 'gone' });
    expect(await bench.upkeep.reclaim(NOON)).toBe(2);
    expect(await statuses(bench.db)).toEqual({ lapsed: 'pending', held: 'in_flight', unwanted: 'cancelled' });
    const lapsed = await bench.admin.find(ALL, 'lapsed');
    expect(lapsed).toMatchObject({ attempt: 1, nextAttemptAt: NOON, lastError: 'claim expired' });
  });

  test(
    'a newer transition supersedes failed and old notifications ' + 'and repeats, but no first attempt in time',
    async () => {
      const old = { sequence: 0 };
      await put('first', old);
      await put('failed', { ...old, attempt: 1 });
      await put('stale', { ...old, createdAt: at(-60_001) });
      await put('every', { ...old, attempt: 1, policy: 'every', createdAt: at(-60_001) });
      await put('repeat', { ...old, kind: 'repeat', policy: 'every' });
      await put('replayed', { ...old, attempt: 1, replayedAt: NOON });
      await put('present', { sequence: 1, attempt: 1, createdAt: at(-60_001) });
      await put('in flight', { ...old, attempt: 1, status: 'in_flight' });
      expect(await bench.upkeep.supersede(NOON, { staleBefore: at(-60_000), defaultPolicy: 'current' })).toBe(3);
      expect(await statuses(bench.db)).toEqual({
        first: 'pending',
        failed: 'superseded',
        stale: 'superseded',
        every: 'pending',
        repeat: 'superseded',
        replayed: 'pending',
        present: 'pending',
        'in flight': 'in_flight',
      });
    },
  );

  test('under the default policy every, only repeats are superseded', async () => {
    await put('failed', { sequence: 0, attempt: 1 });
    await put('repeat', { sequence: 0, kind: 'repeat' });
    expect(await bench.upkeep.supersede(NOON, { staleBefore: NOON, defaultPolicy: 'every' })).toBe(1);
    expect(await statuses(bench.db)).toEqual({ failed: 'pending', repeat: 'superseded' });
  });

  test('a notification behind one that waits for its next attempt is not due, and delays no other', async () => {
    await inFlight(bench, { id: 'head', status: 'pending', nextAttemptAt: at(60_000), policy: 'every' });
    await bench.db.query(
      `insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
        action, lane, host, policy, body_id, next_attempt_at, created_at)
       select 'w' || n, alarm_id, project_id, kind, 1 + n, transition_time, action_list, 0, action, lane, host,
         'every', body_id, $1, $1
         from notifications, generate_series(1, 300) n`,
      [NOON],
    );
    await put('healthy', { alarmId: 'b', nextAttemptAt: at(50) });
    expect(await bench.upkeep.figures(at(100))).toMatchObject({ due: 1 });
    const request = { claimUntil: at(90_000), limit: 50, perHost: 8, perHostAndProject: 4, cursor: FROM_THE_START };
    expect((await bench.claims.claim({ now: at(100), ...request })).claimed).toMatchObject([{ id: 'healthy' }]);
    expect((await bench.claims.claim({ now: at(60_000), ...request })).claimed).toMatchObject([{ id: 'head' }]);
    await bench.db.query("update notifications set status = 'delivered' where id = 'head'");
    expect((await bench.claims.claim({ now: at(60_000), ...request })).claimed).toMatchObject([{ id: 'w1' }]);
  });
}

function figuresAndRetention(bench: Bench): void {
  const put = (id: string, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNotification(bench.db, { id, action: `http://receiver/${id}`, ...given });

  test('the figures of an empty outbox are zero', async () => {
    expect(await bench.upkeep.figures(NOON)).toEqual({ open: 0, dead: 0, due: 0, stalled: 0, oldestDueAt: null });
  });

  test('figures count open, dead, due and stalled notifications', async () => {
    await put('due', { nextAttemptAt: at(-5_000) });
    await put('now', { host: 'busy:80' });
    await put('later', { nextAttemptAt: at(1) });
    await put('paused', { projectId: 'quiet', nextAttemptAt: at(-9_000) });
    await put('flying', { status: 'in_flight', host: 'busy:80' });
    await put('dead', { status: 'dead' });
    await put('done', { status: 'delivered' });
    await bench.admin.pause('quiet', NOON);
    const figures = { open: 5, dead: 1, due: 2, stalled: 1, oldestDueAt: at(-5_000) };
    expect(await bench.upkeep.figures(NOON)).toEqual(figures);
  });

  test('an ended notification is deleted after its retention, with its attempts; an open one never', async () => {
    await inFlight(bench);
    await record(bench, { outcome: 'delivered', error: null, nextAttemptAt: null });
    await bench.db.query("update notifications set finished_at = $1 where id = 'n'", [at(-3 * DAY_MS - 1)]);
    const ended = (status: string, days: number) => ({ status, finishedAt: at(-days * DAY_MS - 1) });
    await put('delivered lately', ended('delivered', 2));
    await put('superseded', ended('superseded', 3));
    await put('cancelled', ended('cancelled', 3));
    await put('dead', ended('dead', 30));
    await put('dead lately', ended('dead', 29));
    await put('repeat', { kind: 'repeat', ...ended('delivered', 1) });
    await put('open', { createdAt: at(-90 * DAY_MS) });
    await createNotificationRetention(bench.db)({
      delivered: at(-3 * DAY_MS),
      repeats: at(-DAY_MS),
      dead: at(-30 * DAY_MS),
      hosts: NOON,
      holds: NOON,
      hours: NOON,
    });
    expect(Object.keys(await statuses(bench.db))).toEqual(['delivered lately', 'dead lately', 'open']);
    expect((await bench.db.query('select 1 from attempts')).rows).toEqual([]);
  });
}

function replaying(bench: Bench): void {
  test('sends the same id and body; the attempt number rises and the schedule starts again', async () => {
    await inFlight(bench, { attempt: 11, createdAt: at(-2 * DAY_MS) });
    await record(bench, { attempt: 11, nextAttemptAt: null });
    expect(await bench.admin.replay(ALL, { id: 'n' }, at(1_000))).toMatchObject({ replayed: 1, hasMore: false });
    const request = { limit: 5, perHost: 8, perHostAndProject: 4, cursor: FROM_THE_START };
    const { claimed } = await bench.claims.claim({ now: at(1_000), claimUntil: at(31_000), ...request });
    expect(claimed).toMatchObject([{ id: 'n', body: A_BODY, attempt: 12, attemptInSchedule: 1 }]);
    expect(await record(bench, { attempt: 12, outcome: 'delivered', error: null })).toMatchObject([
      { status: 'delivered' },
    ]);
    expect((await bench.admin.attempts(ALL, 'n')).map(({ attempt }) => attempt)).toEqual([11, 12]);
  });

  test('a replayed notification is neither superseded nor cancelled', async () => {
    await inFlight(bench, { alarmId: 'gone', replayedAt: NOON });
    await inFlight(bench, { id: 'old', sequence: 0, action: 'http://receiver/old', replayedAt: NOON });
    await record(bench);
    await record(bench, { id: 'old' });
    expect(await statuses(bench.db)).toEqual({ n: 'pending', old: 'pending' });
  });

  test.each([
    { which: { status: 'dead' }, scope: ALL, replayed: ['dead', 'theirs'] },
    { which: { status: 'dead' }, scope: { projectId: 'p' }, replayed: ['dead'] },
    { which: { status: 'cancelled' }, scope: ALL, replayed: ['cancelled'] },
    { which: { status: 'superseded' }, scope: { projectId: 'q' }, replayed: [] },
    { which: { status: 'dead', alarmId: 'b' }, scope: ALL, replayed: ['theirs'] },
    { which: { status: 'dead', alarmId: 'b' }, scope: { projectId: 'p' }, replayed: [] },
    { which: { id: 'dead' }, scope: { projectId: 'p' }, replayed: ['dead'] },
    { which: { id: 'theirs' }, scope: { projectId: 'p' }, replayed: [] },
    { which: { status: 'delivered' }, scope: ALL, replayed: [] },
  ] as const)('by filter $which in $scope: $replayed', async ({ which, scope, replayed }) => {
    for (const status of ['delivered', 'dead', 'superseded', 'cancelled', 'in_flight']) {
      await storeNotification(bench.db, { id: status, status, action: `http://receiver/${status}` });
    }
    await storeNotification(bench.db, { id: 'theirs', status: 'dead', alarmId: 'b', projectId: 'q' });
    expect(await bench.admin.replay(scope, which, NOON)).toMatchObject({ replayed: replayed.length, hasMore: false });
    const pending = Object.entries(await statuses(bench.db)).filter(([, status]) => status === 'pending');
    expect(pending.map(([id]) => id).sort()).toEqual(replayed);
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { nextAttemptAt } from '../../../src/notifier/retry-schedule.js';
import { createAlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import {
  createNotificationAdminStore,
  type NotificationAdminStore,
} from '../../../src/storage/notifications/notification-admin-store.js';
import {
  createNotificationClaimStore,
  type FinishedAttempt,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import type { ClaimedNotification } from '../../../src/storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { OUTCOME_COLUMNS, writeOutcomeRows, type OutcomeAlarm } from '../../../src/storage/evaluation/outcome-rows.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import { storeAnsweringHosts, storeNotification, type StoredNotification } from '../../support/stored-notifications.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';

const ALL = { all: true } as const;
const HOOK = 'http://receiver/hook';
const SCHEDULE = [0, 5, 30, 120, 600, 1_800, 3_600].map((seconds) => seconds * 1_000);

function at(seconds: number): Date {
  return new Date(NOON.getTime() + seconds * 1_000);
}

const FAILED = { outcome: 'retry', httpStatus: 503, error: 'http_status 503', hasHostAnswered: true } as const;
const IN_RETRY = { attempt: 3, nextAttemptAt: at(7_200) } as const;

describe('queues that are brought forward, on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('queues that are brought forward, on PostgreSQL', () => contract(serverDatabase));

interface Bench {
  db: Database;
  claims: NotificationClaimStore;
  admin: NotificationAdminStore;
}

function contract(open: () => Promise<Database>): void {
  const bench = {} as Bench;
  beforeAll(async () => {
    const db = await open();
    Object.assign(bench, { db, claims: createNotificationClaimStore(db), admin: createNotificationAdminStore(db) });
  });
  beforeEach(async () => {
    const { db } = bench;
    await empty(db);
    await storeAnsweringHosts(db, 'receiver:80');
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), state: 'alarm', alarmActions: [HOOK], repeatActions: true });
    await db.query("update alarms set state_version = 1 where id = 'a'");
  });
  afterAll(() => bench.db.close());

  describe('a repeat that is newly due', () => repeats(bench));
  describe('a replay, a resumed pause and an edit', () => broughtForward(bench));
  describe('a receiver that is available again', () => availableAgain(bench));
}

/** Writes a repeat like the evaluator's commit. */
async function repeat({ db }: Bench, seconds: number): Promise<void> {
  await db.transaction(async (tx) => {
    const { rows } = await tx.query<OutcomeAlarm>(`select ${OUTCOME_COLUMNS} from alarms a where a.id = 'a' for share`);
    const outcome = { kind: 'repeat', from: 'alarm', to: 'alarm', reason: 'still', reasonData: {} } as const;
    const repeated = rows.map((row) => ({ outcome, row }));
    await writeOutcomeRows(tx, {
      changed: [],
      repeated,
      at: at(seconds),
      staleBefore: at(seconds - 60),
      defaultPolicy: 'current',
    });
  });
}

async function claim({ claims }: Bench, seconds: number): Promise<ClaimedNotification[]> {
  const request = { limit: 5, perHost: 8, perHostAndProject: 4, cursor: FROM_THE_START };
  return (await claims.claim({ now: at(seconds), claimUntil: at(seconds + 80), ...request })).claimed;
}

function record({ claims }: Bench, given: Partial<FinishedAttempt>, seconds: number) {
  const attempt: FinishedAttempt = {
    id: 'head',
    attempt: 1,
    startedAt: NOON,
    durationMs: 10,
    ...FAILED,
    nextAttemptAt: at(seconds + 3_600),
    ...given,
  };
  return claims
    .record([attempt], { now: at(seconds), defaultPolicy: 'current', maxAgeMs: 86_400_000 })
    .then(({ recorded }) => recorded);
}

function head({ db }: Bench, given: Partial<StoredNotification> = {}): Promise<void> {
  return storeNotification(db, { id: 'head', action: HOOK, actionList: 'alarm_actions', ...given });
}

function hold({ db }: Bench, seconds: number): Promise<unknown> {
  return db.query(
    "insert into delivery_holds (lane, not_before) select lane, $1 from notifications where id = 'head'",
    [at(seconds)],
  );
}

function repeats(bench: Bench): void {
  test.each<{
    when: string;
    given: Partial<StoredNotification>;
    heldUntil?: number;
    kind: string;
    is: string;
    dueAt: number;
  }>([
    { when: 'is a transition in retry', given: IN_RETRY, kind: 'transition', is: 'head', dueAt: 60 },
    {
      when: 'is a transition in retry under policy every',
      given: { ...IN_RETRY, policy: 'every' },
      kind: 'transition',
      is: 'head',
      dueAt: 60,
    },
    {
      when: 'is a repeat in retry',
      given: { ...IN_RETRY, kind: 'repeat' },
      kind: 'repeat',
      is: 'the new one',
      dueAt: 60,
    },
    {
      when: 'is a repeat that a person replayed',
      given: { ...IN_RETRY, kind: 'repeat', replayedAt: NOON },
      kind: 'repeat',
      is: 'head',
      dueAt: 60,
    },
    {
      when: 'is a transition that a person replayed',
      given: { ...IN_RETRY, replayedAt: NOON },
      kind: 'transition',
      is: 'head',
      dueAt: 60,
    },
    {
      when: 'is a transition whose receiver sent Retry-After',
      given: IN_RETRY,
      heldUntil: 300,
      kind: 'transition',
      is: 'head',
      dueAt: 300,
    },
    {
      when: 'is a repeat whose receiver sent Retry-After',
      given: { ...IN_RETRY, kind: 'repeat' },
      heldUntil: 300,
      kind: 'repeat',
      is: 'the new one',
      dueAt: 300,
    },
    {
      when: 'is due sooner than the Retry-After of its receiver',
      given: IN_RETRY,
      heldUntil: 50,
      kind: 'transition',
      is: 'head',
      dueAt: 60,
    },
  ])('has $is sent at $dueAt s when the head $when', async ({ given, heldUntil, kind, is, dueAt }) => {
    await head(bench, given);
    if (heldUntil !== undefined) await hold(bench, heldUntil);
    await repeat(bench, 60);
    if (dueAt > 60) expect(await claim(bench, dueAt - 1)).toEqual([]);
    const [claimed, ...others] = await claim(bench, dueAt);
    expect(others).toEqual([]);
    expect(claimed).toMatchObject({ kind });
    expect(claimed?.id === 'head' ? 'head' : 'the new one').toBe(is);
  });

  test('does not count in the retry schedule, however many there are', async () => {
    await head(bench, IN_RETRY);
    for (let n = 1; n <= 20; n += 1) {
      await repeat(bench, 60 * n);
      const [claimed] = await claim(bench, 60 * n);
      expect(claimed).toMatchObject({ id: 'head', attempt: 3 + n, attemptInSchedule: 3 });
      await record(bench, { attempt: 3 + n, startedAt: at(60 * n), nextAttemptAt: at(60 * n + 7_200) }, 60 * n + 1);
    }
  });

  test('twice before an attempt brings the head forward once', async () => {
    await head(bench, IN_RETRY);
    await hold(bench, 300);
    await repeat(bench, 60);
    await repeat(bench, 120);
    expect(await claim(bench, 300)).toMatchObject([{ id: 'head', attempt: 4, attemptInSchedule: 3 }]);
  });

  test('while the transition is in flight makes it due once when that attempt has failed', async () => {
    await head(bench, { status: 'in_flight', attempt: 1, claimUntil: at(80) });
    await repeat(bench, 60);
    await record(bench, { startedAt: at(1) }, 65);
    expect(await claim(bench, 65)).toMatchObject([{ id: 'head', attempt: 2, attemptInSchedule: 1 }]);
    await record(bench, { attempt: 2, startedAt: at(65) }, 66);
    expect(await claim(bench, 67)).toEqual([]);
  });

  test('while a repeat is in flight replaces it when that attempt has failed', async () => {
    await head(bench, { kind: 'repeat', status: 'in_flight', attempt: 1, claimUntil: at(80) });
    await repeat(bench, 60);
    expect(await record(bench, { startedAt: at(1) }, 65)).toMatchObject([{ status: 'superseded' }]);
    expect(await claim(bench, 65)).toMatchObject([{ kind: 'repeat', attempt: 1 }]);
  });
}

function broughtForward(bench: Bench): void {
  test('without such an event the retry schedule applies', async () => {
    await head(bench, IN_RETRY);
    expect(await claim(bench, 7_199)).toEqual([]);
    expect(await claim(bench, 7_200)).toHaveLength(1);
  });

  test.each<{ act: string; run: () => Promise<unknown> }>([
    {
      act: 'a replay of a later notification',
      async run() {
        await storeNotification(bench.db, {
          id: 'later',
          action: HOOK,
          actionList: 'alarm_actions',
          status: 'dead',
          sequence: 2,
        });
        await bench.admin.replay(ALL, { id: 'later' }, at(60));
      },
    },
    {
      act: 'the end of the pause of its project',
      async run() {
        await bench.admin.pause('p', at(1));
        await bench.admin.resume('p', at(60));
      },
    },
    {
      act: 'the end of the pause of all projects',
      async run() {
        await bench.admin.pause('*', at(1));
        await bench.admin.resume('*', at(60));
      },
    },
    {
      act: 'an edit that keeps the action',
      async run() {
        const change = (current: StoredAlarm) => ({
          next: { ...current, name: 'new', timestamp: at(60) },
          entry: null,
        });
        await createAlarmStore(bench.db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }).replace(ALL, 'a', {
          rule: thresholdRule(),
          memberProject: null,
          change,
        });
      },
    },
  ])('$act brings the head forward', async ({ run }) => {
    await head(bench, IN_RETRY);
    await run();
    expect(await claim(bench, 60)).toMatchObject([{ id: 'head', attempt: 4, attemptInSchedule: 3 }]);
  });

  test('a pause of another project that ends brings nothing forward', async () => {
    await head(bench, IN_RETRY);
    await bench.admin.pause('q', at(1));
    await bench.admin.resume('q', at(60));
    await bench.admin.resume('p', at(60));
    expect(await claim(bench, 60)).toEqual([]);
  });

  test('a Retry-After delays newer notifications of the delivery queue, and only until its end', async () => {
    await head(bench, { status: 'in_flight', attempt: 1, claimUntil: at(80), policy: 'current' });
    await storeNotification(bench.db, { id: 'newer', action: HOOK, actionList: 'alarm_actions', sequence: 2 });
    await bench.db.query("update alarms set state_version = 2 where id = 'a'");
    await record(bench, { notBefore: at(300), nextAttemptAt: at(300) }, 1);
    expect(await claim(bench, 299)).toEqual([]);
    expect(await bench.claims.nextDueAt(at(2))).toEqual(at(300));
    expect(await claim(bench, 300)).toMatchObject([{ id: 'newer' }]);
  });
}

interface Outage {
  intervalS: number;
  attemptS: number;
  backAtS: number;
  answers: boolean;
}

function availableAgain(bench: Bench): void {
  test.each<Outage>([
    { intervalS: 5, attemptS: 0.01, backAtS: 42.5, answers: true },
    { intervalS: 5, attemptS: 0.01, backAtS: 42.5, answers: false },
    { intervalS: 5, attemptS: 12, backAtS: 90, answers: false },
    { intervalS: 60, attemptS: 0.5, backAtS: 900, answers: true },
    { intervalS: 60, attemptS: 65, backAtS: 2_000, answers: false },
    { intervalS: 1, attemptS: 0.2, backAtS: 30, answers: true },
  ])(
    'is called within an interval and an attempt, and gets the transition first, then the newest repeat: %j',
    async (outage) => {
      const { intervalS, attemptS, backAtS } = outage;
      await head(bench);
      const sent = await simulate(bench, outage);
      const gaps = sent.slice(1).map(({ startS }, index) => startS - sent[index]!.startS);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(intervalS + attemptS + 0.001);
      const delivered = sent.filter(({ isDelivered }) => isDelivered);
      expect(delivered.map(({ kind }) => kind).slice(0, 2)).toEqual(['transition', 'repeat']);
      expect(sent.filter(({ isDelivered }) => !isDelivered).every(({ kind }) => kind === 'transition')).toBe(true);
      expect(delivered[0]!.startS - backAtS).toBeLessThanOrEqual(intervalS + attemptS);
    },
  );
}

interface Sent {
  startS: number;
  kind: string;
  isDelivered: boolean;
}

interface UnderWay {
  one: ClaimedNotification;
  endS: number;
  isDelivered: boolean;
}

/** Steps through time: repeats become due, attempts end, and the notifier claims, until three were delivered. */
async function simulate(bench: Bench, { intervalS, attemptS, backAtS, answers }: Outage): Promise<Sent[]> {
  const sent: Sent[] = [];
  let nowS = 0;
  let nextRepeatS = intervalS;
  let underWay: UnderWay | undefined;
  while (sent.filter(({ isDelivered }) => isDelivered).length < 3 && sent.length < 200) {
    if (underWay && underWay.endS <= nowS) {
      await end(bench, underWay, { attemptS, answers });
      underWay = undefined;
    }
    if (nextRepeatS <= nowS) {
      await repeat(bench, nowS);
      nextRepeatS += intervalS;
    }
    const [one] = underWay ? [] : await claim(bench, nowS);
    if (one) {
      underWay = { one, endS: nowS + attemptS, isDelivered: nowS >= backAtS };
      sent.push({ startS: nowS, kind: one.kind, isDelivered: nowS >= backAtS });
    }
    nowS = Math.min(nextRepeatS, underWay ? underWay.endS : await dueAfter(bench, nowS));
  }
  return sent;
}

async function dueAfter({ claims }: Bench, nowS: number): Promise<number> {
  const due = await claims.nextDueAt(at(nowS));
  return due ? (due.getTime() - NOON.getTime()) / 1_000 : Infinity;
}

async function end(
  bench: Bench,
  ended: UnderWay,
  { attemptS, answers }: Pick<Outage, 'attemptS' | 'answers'>,
): Promise<void> {
  const { one, endS, isDelivered } = ended;
  const retryAt = nextAttemptAt({
    attempt: one.attemptInSchedule,
    schedule: SCHEDULE,
    now: at(endS),
    random: () => 0.5,
  });
  const outcome = isDelivered
    ? ({ outcome: 'delivered', httpStatus: 204, error: null, nextAttemptAt: null, hasHostAnswered: true } as const)
    : ({ ...FAILED, hasHostAnswered: answers, nextAttemptAt: retryAt } as const);
  const time = { startedAt: at(endS - attemptS), durationMs: attemptS * 1_000 };
  await record(bench, { id: one.id, attempt: one.attempt, ...time, ...outcome }, endS);
}

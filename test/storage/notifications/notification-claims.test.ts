import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import {
  createNotificationClaimStore,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START, type ClaimCursor } from '../../../src/storage/notifications/fair-choice.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import {
  A_BODY,
  storeAnsweringHosts,
  storeNotification,
  type StoredNotification,
} from '../../support/stored-notifications.js';

const CLAIM_UNTIL = new Date('2026-01-01T12:00:30Z');

interface ClaimLimits {
  limit?: number;
  perHost?: number;
  perHostAndProject?: number;
  cursor?: ClaimCursor;
  now?: Date;
}

function later(ms: number): Date {
  return new Date(NOON.getTime() + ms);
}

describe('claims on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('claims on PostgreSQL', () => {
  contract(serverDatabase);
  rivals();
});

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let store: NotificationClaimStore;

  beforeAll(async () => {
    db = await open();
    store = createNotificationClaimStore(db);
  });
  beforeEach(async () => {
    await empty(db);
    await storeAnsweringHosts(db, 'receiver:80', 'other:80');
  });
  afterAll(() => db.close());

  const put = (id: string, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNotification(db, { id, ...given });
  const claim = async (limits: ClaimLimits = {}): Promise<string[]> =>
    (await claimFrom(store, limits)).map(({ id }) => id);
  const end = (id: string): Promise<unknown> =>
    db.query("update notifications set status = 'delivered' where id = $1", [id]);

  test('a claim returns all data for an attempt, and its number', async () => {
    await put('n1', { sequence: 7, attempt: 2 });
    await db.query("update notifications set attempt_base = 1 where id = 'n1'");
    expect(await claimFrom(store)).toEqual([
      {
        id: 'n1',
        alarmId: 'a',
        projectId: 'p',
        kind: 'transition',
        sequence: 7,
        transitionTime: NOON,
        action: 'http://receiver/hook',
        actionSecrets: null,
        lane: expect.any(String),
        host: 'receiver:80',
        body: A_BODY,
        attempt: 3,
        attemptInSchedule: 2,
        rejectedSince: null,
        createdAt: NOON,
        isHostResponsive: true,
      },
    ]);
    expect(await claim()).toEqual([]);
  });

  test.each<{ errors: (string | null)[]; replayed?: number; forward?: number; since: number | null; when: string }>([
    { when: 'there was no attempt', errors: [], since: null },
    { when: 'the last attempt failed otherwise', errors: ['rejected', 'http_status 503'], since: null },
    { when: 'the last attempt alone was rejected', errors: ['timeout', 'rejected'], since: 2 },
    {
      when: 'the last three were rejected',
      errors: ['rejected', 'timeout', 'rejected', 'rejected', 'rejected'],
      since: 3,
    },
    { when: 'all were rejected', errors: ['rejected', 'rejected'], since: 1 },
    { when: 'it was replayed after they were rejected', errors: ['rejected', 'rejected'], replayed: 2, since: null },
    {
      when: 'one was rejected since it was replayed',
      errors: ['rejected', 'rejected', 'rejected'],
      replayed: 2,
      since: 3,
    },
    {
      when: 'repeats brought two of three forward',
      errors: ['rejected', 'rejected', 'rejected'],
      forward: 2,
      since: 1,
    },
  ])(
    'a claim says since when attempts are rejected, when $when',
    async ({ errors, replayed = 0, forward = 0, since }) => {
      await put('n1', { attempt: errors.length });
      await put('n2', { attempt: 1, alarmId: 'b' });
      const replayedAt = replayed === 0 ? null : later(replayed * 1_000 + 500);
      await db.query("update notifications set attempt_base = $1, replayed_at = $2 where id = 'n1'", [
        replayed + forward,
        replayedAt,
      ]);
      const note = (id: string, attempt: number, error: string | null): Promise<unknown> =>
        db.query(
          `insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, error) values ($1, $2, $3,
            250, 'retry', $4)`,
          [id, attempt, later(attempt * 1_000), error],
        );
      for (const [index, error] of errors.entries()) await note('n1', index + 1, error);
      await note('n2', 1, 'rejected');
      const [claimed] = (await claimFrom(store)).filter(({ id }) => id === 'n1');
      expect(claimed?.rejectedSince).toEqual(since === null ? null : later(since * 1_000 + 250));
    },
  );

  test('a notification that is not due is not claimed, and nextDueAt returns its time', async () => {
    await put('n1', { nextAttemptAt: later(5_000) });
    expect(await claim()).toEqual([]);
    expect(await store.nextDueAt(NOON)).toEqual(later(5_000));
    expect(await claim({ now: later(5_000) })).toEqual(['n1']);
    expect(await store.nextDueAt(NOON)).toBeNull();
  });

  test('notifications of one delivery queue are claimed one at a time, in order', async () => {
    await put('n1', { sequence: 1 });
    await put('n2', { sequence: 2 });
    await put('other action', { sequence: 1, action: 'http://receiver/other' });
    expect((await claim()).sort()).toEqual(['n1', 'other action']);
    expect(await claim()).toEqual([]);
    await end('n1');
    expect(await claim()).toEqual(['n2']);
  });

  test('a later notification of a delivery queue waits while an earlier one waits for its next attempt', async () => {
    await put('n1', { sequence: 1, attempt: 1, nextAttemptAt: later(60_000) });
    await put('n2', { sequence: 2 });
    expect(await claim()).toEqual([]);
    expect(await claim({ now: later(60_000) })).toEqual(['n1']);
  });

  test('a replayed notification waits for a later one of its delivery queue that is in flight', async () => {
    await put('n1', { sequence: 1, replayedAt: NOON });
    await put('n2', { sequence: 2, status: 'in_flight', attempt: 1, claimUntil: CLAIM_UNTIL });
    expect(await claim()).toEqual([]);
    await end('n2');
    expect(await claim()).toEqual(['n1']);
  });

  test.each([
    { limits: { limit: 3 }, expected: 3 },
    { limits: { perHost: 2 }, expected: 2 },
    { limits: { perHostAndProject: 1 }, expected: 2 },
    { limits: {}, expected: 8 },
  ])('the limits $limits bound a claim', async ({ limits, expected }) => {
    for (let n = 0; n < 8; n += 1) await put(`n${n}`, { alarmId: `a${n}`, projectId: n % 2 === 0 ? 'p' : null });
    expect(await claim(limits)).toHaveLength(expected);
  });

  test('a notification in flight uses a permit until its attempt ends', async () => {
    for (let n = 0; n < 3; n += 1) await put(`n${n}`, { alarmId: `a${n}` });
    await put('elsewhere', { alarmId: 'a9', host: 'other:80' });
    const limits = { perHostAndProject: 1 };
    const [first] = (await claim(limits)).filter((id) => id !== 'elsewhere');
    expect(await claim(limits)).toEqual([]);
    await end(first!);
    expect(await claim(limits)).toHaveLength(1);
  });

  test('a project with many notifications does not delay other projects', async () => {
    for (let n = 0; n < 20; n += 1)
      await put(`loud${n}`, { alarmId: `l${n}`, projectId: 'loud', createdAt: later(-60_000) });
    for (const project of ['q1', 'q2', 'q3']) await put(project, { alarmId: project, projectId: project });
    expect((await claim({ limit: 6, perHost: 6 })).sort()).toEqual(['loud0', 'loud1', 'loud2', 'q1', 'q2', 'q3']);
  });

  test('projects are served round robin when there is one permit', async () => {
    for (let n = 0; n < 9; n += 1) await put(`p${n % 3} ${n}`, { alarmId: `a${n}`, projectId: `p${n % 3}` });
    let cursor = FROM_THE_START;
    const order: string[] = [];
    for (let n = 0; n < 30 && order.length < 9; n += 1) {
      const result = await store.claim(requestOf({ limit: 1, perHost: 1, cursor }));
      cursor = result.cursor;
      for (const { id, projectId } of result.claimed) {
        order.push(projectId!);
        await end(id);
      }
    }
    expect(order).toEqual(['p0', 'p1', 'p2', 'p0', 'p1', 'p2', 'p0', 'p1', 'p2']);
  });

  test('more hosts and projects than one claim searches are all served by several claims', async () => {
    await db.query(
      `insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
        action, lane, host, body, next_attempt_at, created_at)
       select 'n' || n, 'a' || n, 'p' || n % 150, 'transition', 1, $1::timestamptz, 'alarm_actions', 0, 'x', 'l' || n,
         'h' || n % 3, '{}', $1::timestamptz, $1::timestamptz
         from generate_series(1, 900) n
       union all
       select 'm' || n, 'b' || n, 'p', 'transition', 1, $1::timestamptz, 'alarm_actions', 0, 'x', 'm' || n, 'g' || n,
         '{}', $1::timestamptz, $1::timestamptz
         from generate_series(1, 300) n`,
      [NOON],
    );
    await storeAnsweringHosts(db, 'h0', 'h1', 'h2');
    let cursor = FROM_THE_START;
    const seen = new Set<string>();
    for (let n = 0; n < 60 && seen.size < 1_200; n += 1) {
      const result = await store.claim(requestOf({ limit: 100, cursor }));
      cursor = result.cursor;
      for (const { id } of result.claimed) seen.add(id);
      if (!result.more && result.claimed.length === 0) break;
      await db.query("update notifications set status = 'delivered' where status = 'in_flight'");
    }
    expect(seen.size).toBe(1_200);
  });

  test.each([
    { paused: 'p', claimed: ['theirs'] },
    { paused: '*', claimed: [] },
  ])('while $paused is paused, its notifications are not claimed', async ({ paused, claimed }) => {
    await put('ours', { alarmId: 'a1' });
    await put('theirs', { alarmId: 'a2', projectId: 'q' });
    await db.query('insert into delivery_pauses (project_id, paused_at) values ($1, $2)', [paused, NOON]);
    expect(await claim()).toEqual(claimed);
    await db.query('delete from delivery_pauses');
    expect(await claim()).toHaveLength(2 - claimed.length);
  });
}

function rivals(): void {
  test('concurrent claims never return the same notification, nor more than the permits', async () => {
    const db = await serverDatabase();
    try {
      const store = createNotificationClaimStore(db);
      await storeAnsweringHosts(db, 'h0', 'h1');
      for (let n = 0; n < 60; n += 1) {
        await storeNotification(db, {
          id: `n${n}`,
          alarmId: `a${n % 30}`,
          projectId: `p${n % 5}`,
          sequence: n,
          host: `h${n % 2}`,
        });
      }
      const seen: string[] = [];
      while (seen.length < 60) {
        const limits = { limit: 5, perHost: 6, perHostAndProject: 2 };
        const claims = await Promise.all(Array.from({ length: 6 }, () => claimFrom(store, limits)));
        const got = claims.flat();
        expect(got.length).toBeGreaterThan(0);
        expect(most(got.map(({ host }) => host))).toBeLessThanOrEqual(6);
        expect(most(got.map(({ host, projectId }) => `${host} ${projectId ?? ''}`))).toBeLessThanOrEqual(2);
        expect(most(got.map(({ lane }) => lane))).toBe(1);
        seen.push(...got.map(({ id }) => id));
        await db.query("update notifications set status = 'delivered' where status = 'in_flight'");
      }
      expect(new Set(seen).size).toBe(60);
    } finally {
      await db.close();
    }
  });
}

function requestOf({
  limit = 50,
  perHost = 32,
  perHostAndProject = 8,
  cursor = FROM_THE_START,
  now = NOON,
}: ClaimLimits) {
  return { now, claimUntil: CLAIM_UNTIL, limit, perHost, perHostAndProject, cursor };
}

async function claimFrom(store: NotificationClaimStore, limits: ClaimLimits = {}) {
  return (await store.claim(requestOf(limits))).claimed;
}

function most(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => names.filter((other) => other === name).length));
}

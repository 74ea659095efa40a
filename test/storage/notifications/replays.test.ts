import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database, Sql } from '../../../src/storage/database.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { MOST_REPLAYED, type Replay, type ReplaySelection } from '../../../src/storage/notifications/replay-store.js';
import type { Scope } from '../../../src/storage/scope.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { countOnce } from '../../support/counted-claims.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import {
  storeAnsweringHosts,
  storeNotifications,
  storeNumbered,
  statuses,
  type StoredNotification,
} from '../../support/stored-notifications.js';

const ALL = { all: true } as const;
const OF_P = { projectId: 'p' };
const DEAD = { status: 'dead' } as const;
const at = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);

describe('replays on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('replays on PostgreSQL', () => {
  contract(serverDatabase);
  besidePruning();
});

/** Stores dead notifications. */
const put = (db: Database, prefix: string, count: number, given: Partial<StoredNotification> = {}): Promise<void> =>
  storeNumbered(db, prefix, count, { status: 'dead', attempt: 11, finishedAt: NOON, ...given });

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAnsweringHosts(db, 'receiver:80');
  });
  afterAll(() => db.close());

  const admin = (perProjectAndHour = 5) => createNotificationAdminStore(db, { perProjectAndHour });

  /** A replay within the limit of 5 an hour, with what its parts have stored. */
  async function replay(
    scope: Scope,
    selection: ReplaySelection,
    now: Date,
  ): Promise<Replay & { projects: string[]; limited: string[] }> {
    const [projects, limited]: [Set<string>, string[]] = [new Set(), []];
    const outcome = await admin().replay(scope, selection, now, {
      onPart(part) {
        for (const project of part.projects) projects.add(project);
        limited.push(...part.limited);
      },
    });
    return { ...outcome, projects: [...projects].sort(), limited };
  }

  /** Claims all that is due, and returns the ids. */
  async function claim(minutes: number): Promise<string[]> {
    const store = createNotificationClaimStore(db);
    const { claimed, toCount } = await store.claim({
      now: at(minutes),
      claimUntil: at(10_000),
      limit: 100,
      perHost: 100,
      perHostAndProject: 100,
      cursor: FROM_THE_START,
    });
    await countOnce(store, toCount, { now: at(minutes), perProjectAndHour: 5 });
    return claimed.map(({ id }) => id);
  }

  describe('within the limit of notifications an hour', () => {
    test('stop at the limit, and go on in the next hour', async () => {
      await put(db, 'a', 7);
      expect(await replay(OF_P, DEAD, at(0))).toEqual({
        replayed: 5,
        ids: expect.arrayContaining(['a0', 'a1', 'a2', 'a3', 'a4']),
        removed: 0,
        projects: ['p'],
        hasMore: true,
        limitedUntil: at(60),
        limited: ['p'],
      });
      expect(await admin().pauses(OF_P, at(1))).toEqual([
        { projectId: 'p', pausedAt: at(0), until: at(60), endsAt: null, reason: null, pausedBy: null },
      ]);
      const refused = { replayed: 0, hasMore: true, limitedUntil: at(60), limited: [] };
      expect(await replay(OF_P, DEAD, at(59))).toMatchObject(refused);
      expect(await replay(OF_P, { id: 'a6' }, at(59))).toMatchObject(refused);
      const rest = { replayed: 2, hasMore: false, limitedUntil: undefined, limited: [] };
      expect(await replay(OF_P, DEAD, at(60))).toMatchObject(rest);
    });

    test('count together with new notifications, and once each', async () => {
      await put(db, 'new', 3, { status: 'pending', attempt: 0, finishedAt: null });
      expect(await claim(0)).toHaveLength(3);
      await put(db, 'old', 2, { status: 'superseded', attempt: 0 });
      expect(await replay(OF_P, { id: 'old0' }, at(1))).toMatchObject({ replayed: 1, limited: [] });
      expect(await claim(2)).toEqual(['old0']);
      expect(await admin().pauses(OF_P, at(3))).toEqual([]);
      expect(await replay(OF_P, { id: 'old1' }, at(4))).toMatchObject({ replayed: 1, limited: ['p'] });
    });

    test('stop no transition, and no notification that is replayed already', async () => {
      await put(db, 'a', 6);
      await replay(OF_P, DEAD, at(0));
      await put(db, 'new', 2, { status: 'pending', attempt: 0, finishedAt: null });
      expect(await claim(1)).toHaveLength(7);
    });

    test('that are asked for at the same time exceed it by none', async () => {
      await put(db, 'a', 30);
      const replays = await Promise.all(Array.from({ length: 8 }, () => replay(OF_P, DEAD, at(0))));
      expect(replays.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(5);
      expect(replays.flatMap(({ limited }) => limited)).toEqual(['p']);
    });

    test('of all projects are limited for each of them', async () => {
      await put(db, 'a', 300);
      await put(db, 'b', 3, { projectId: 'q' });
      await put(db, 'c', 6, { projectId: null });
      expect(await replay(ALL, DEAD, at(0))).toMatchObject({
        replayed: 13,
        projects: ['', 'p', 'q'],
        limited: expect.arrayContaining(['', 'p']),
        hasMore: true,
      });
      expect(await replay(ALL, DEAD, at(1))).toMatchObject({ replayed: 0, hasMore: true });
    });
  });

  describe('of many notifications', () => {
    /** The database, and the number of notifications that each transaction has replayed so far. */
    function counted(): { db: Database; sizes: number[] } {
      const sizes: number[] = [];
      const counting: Database = {
        kind: db.kind,
        query: (...given) => db.query(...given),
        close: () => db.close(),
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              async query(text, ...rest) {
                const result = await tx.query<never>(text, ...rest);
                if (/^\s*update notifications n\s+set status = 'pending'/.test(text)) sizes.push(result.rowCount);
                return result;
              },
            }),
          ),
      };
      return { db: counting, sizes };
    }

    test(`replay ${MOST_REPLAYED} at once, in short transactions, and say that others are left`, async () => {
      await put(db, 'a', MOST_REPLAYED + 300);
      const { db: watched, sizes } = counted();
      const store = createNotificationAdminStore(watched);
      expect(await store.replay(OF_P, DEAD, at(0))).toMatchObject({ replayed: MOST_REPLAYED, hasMore: true });
      expect(Math.max(...sizes)).toBeLessThanOrEqual(250);
      expect(await store.replay(OF_P, DEAD, at(0))).toMatchObject({ replayed: 300, hasMore: false });
      const pending = Object.values(await statuses(db)).filter((status) => status === 'pending');
      expect(pending).toHaveLength(MOST_REPLAYED + 300);
    });

    test('leave none if there are as many as one request may replay', async () => {
      await put(db, 'a', MOST_REPLAYED);
      expect(await admin(0).replay(ALL, DEAD, at(0))).toMatchObject({ replayed: MOST_REPLAYED, hasMore: false });
    });

    test('find those behind many whose action was removed, and those of one alarm among many', async () => {
      await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: [] });
      const removed = { actionList: 'alarm_actions', alarmId: 'a' };
      const rows = Array.from({ length: 600 }, (_, index) => ({ id: `r${index}`, sequence: index, ...removed }));
      await storeNotifications(
        db,
        rows.map((row) => ({ ...row, ...DEAD, attempt: 11, finishedAt: NOON })),
      );
      await put(db, 'b', 2);
      expect(await admin(0).replay(OF_P, { ...DEAD, alarmId: 'b1' }, at(0))).toMatchObject({ replayed: 1 });
      expect(await admin(0).replay(OF_P, DEAD, at(0))).toMatchObject({ replayed: 1, hasMore: false });
      const pending = Object.entries(await statuses(db)).filter(([, status]) => status === 'pending');
      expect(pending.map(([id]) => id)).toEqual(['b0', 'b1']);
    });

    test('end after the part in which their signal aborts, and say that others are left', async () => {
      await put(db, 'a', 300);
      const leaving = new AbortController();
      const follower = { signal: leaving.signal, onPart: () => leaving.abort() };
      expect(await admin(0).replay(OF_P, DEAD, at(0), follower)).toMatchObject({ replayed: 250, hasMore: true });
    });
  });
}

/** A database whose transactions are part of this one. */
function within({ kind, close }: Database, tx: Sql): Database {
  return { kind, close, query: (...given) => tx.query(...given), transaction: (work) => work(tx) };
}

function besidePruning(): void {
  const LIMITS = { delivered: at(1), repeats: at(1), dead: at(1), hosts: NOON, holds: NOON, hours: NOON };
  let db: Database;
  beforeAll(async () => {
    db = await serverDatabase({ statementTimeoutMs: 2_000 });
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  test.each(['transition', 'repeat'] as const)(
    'a %s that is replayed while old notifications are deleted is kept, and delays the deletion of no other',
    async (kind) => {
      await put(db, 'a', 1, { kind });
      await put(db, 'b', 1, { kind });
      await db.transaction(async (tx) => {
        await createNotificationAdminStore(within(db, tx)).replay(ALL, { id: 'a0' }, at(2));
        await createNotificationRetention(db)(LIMITS); // on a connection of its own
        expect(await statuses(db)).toEqual({ a0: 'dead' });
      });
      expect(await statuses(db)).toEqual({ a0: 'pending' });
    },
  );
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { permitsOf } from '../../../src/notifier/permit-shares.js';
import type { Database } from '../../../src/storage/database.js';
import {
  createNotificationClaimStore,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import type { ClaimedNotification } from '../../../src/storage/notifications/claimed-notification.js';
import { FROM_THE_START, type ClaimCursor } from '../../../src/storage/notifications/fair-choice.js';
import { pruneHolds, pruneHosts } from '../../../src/storage/notifications/receiver-host-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import {
  storeAnsweringHosts,
  storeNotifications,
  type StoredNotification,
} from '../../support/stored-notifications.js';

function at(seconds: number): Date {
  return new Date(NOON.getTime() + seconds * 1_000);
}

describe('limits on connections, on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('limits on connections, on PostgreSQL', () => contract(serverDatabase));

/** A notifier that claims like the delivery pump, and whose attempts end when the test calls `end`. */
class Notifier {
  readonly underWay: ClaimedNotification[] = [];
  #cursor: ClaimCursor = FROM_THE_START;

  constructor(
    private readonly store: NotificationClaimStore,
    private readonly concurrency: number,
  ) {}

  /** Claims like the delivery pump until no notification can be claimed. Returns the new claims. */
  async search(seconds: number): Promise<ClaimedNotification[]> {
    const found: ClaimedNotification[] = [];
    let idleLaps = 0;
    while (this.underWay.length < this.concurrency) {
      const { claimed, cursor, more } = await this.store.claim({
        now: at(seconds),
        claimUntil: at(seconds + 80),
        limit: Math.min(50, this.concurrency - this.underWay.length),
        perHost: 32,
        perHostAndProject: 4,
        cursor: this.#cursor,
        shares: permitsOf(
          this.underWay.map((notification) => ({ notification, beganMs: 0 })),
          { concurrency: this.concurrency, nowMs: 0, isFirstPass: idleLaps === 0 },
        ).shares,
      });
      const hasRestarted = this.#cursor.unresponsiveAfter !== '' && cursor.unresponsiveAfter === '';
      this.#cursor = cursor;
      this.underWay.push(...claimed);
      found.push(...claimed);
      if (claimed.length > 0) idleLaps = 0;
      else if (!more || (cursor.host === '' && !hasRestarted && ++idleLaps >= 2)) break;
    }
    return found;
  }

  /** Ends an attempt. `answered` null: the attempt does not show whether the host answers. */
  async end(one: ClaimedNotification, seconds: number, answered: boolean | null): Promise<void> {
    this.underWay.splice(this.underWay.indexOf(one), 1);
    const outcome =
      answered === false
        ? ({ outcome: 'retry', error: 'timeout', nextAttemptAt: at(seconds), httpStatus: null } as const)
        : ({ outcome: 'dead', error: 'rejected', nextAttemptAt: null, httpStatus: answered ? 400 : null } as const);
    const attempt = {
      id: one.id,
      attempt: one.attempt,
      startedAt: at(seconds),
      durationMs: 0,
      hasHostAnswered: answered,
    };
    await this.store.record([{ ...attempt, ...outcome }], {
      now: at(seconds),
      defaultPolicy: 'current',
      maxAgeMs: 86_400_000,
    });
  }
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let store: NotificationClaimStore;
  beforeAll(async () => {
    db = await open();
    store = createNotificationClaimStore(db);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  /** `count` delivery queues at a host, each with one replayed notification, which no failure cancels. */
  function queuesAt(host: string, count: number, projectId = 'p'): StoredNotification[] {
    return Array.from({ length: count }, (_, n) => {
      const id = `${host} ${projectId} ${n}`;
      return { id, alarmId: id, projectId, host, replayedAt: NOON, action: `http://${host}/${n}` };
    });
  }

  const put = (...queues: Parameters<typeof queuesAt>): Promise<void> => storeNotifications(db, queuesAt(...queues));

  /** Stores delivery queues at `hosts` hosts, named by their number. */
  function putAtHosts(hosts: number, queues: (n: number) => Parameters<typeof queuesAt>): Promise<void> {
    return storeNotifications(db, Array.from({ length: hosts }, (_, n) => queuesAt(...queues(n))).flat());
  }

  describe('a host', () => {
    test('that is new gets one connection, and all connections after its first answer', async () => {
      await put('new', 10);
      const notifier = new Notifier(store, 20);
      const [first, ...others] = await notifier.search(0);
      expect(others).toEqual([]);
      expect(await notifier.search(5)).toEqual([]);
      await notifier.end(first!, 6, true);
      expect(await notifier.search(6)).toHaveLength(4);
    });

    test('that is new gets one connection from all notifiers together', async () => {
      await put('new', 10);
      const [one, other] = [new Notifier(store, 20), new Notifier(store, 20)];
      expect(await one.search(0)).toHaveLength(1);
      expect(await other.search(0)).toEqual([]);
    });

    test('that did not answer its last attempt gets one connection, and one attempt a second', async () => {
      await put('host', 10);
      await storeAnsweringHosts(db, 'host');
      const notifier = new Notifier(store, 20);
      const all = await notifier.search(0);
      expect(all).toHaveLength(4);
      for (const one of all) await notifier.end(one, 10, false);
      const starts: number[] = [];
      for (let second = 10; second < 20; second += 0.25) {
        const found = await notifier.search(second);
        if (found.length > 0) starts.push(second);
        for (const one of found) await notifier.end(one, second, false);
      }
      expect(starts).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      expect(await store.nextDueAt(at(19.5))).toEqual(at(20));
      const [probe] = await notifier.search(20);
      await notifier.end(probe!, 20.1, true);
      expect(await notifier.search(20.1)).toHaveLength(4);
    });

    test('is responsive or not by its latest attempt, in any order of the records', async () => {
      await put('host', 10);
      await storeAnsweringHosts(db, 'host');
      const notifier = new Notifier(store, 20);
      const [a, b] = await notifier.search(0);
      await notifier.end(a!, 20, false);
      await notifier.end(b!, 10, true);
      expect(await notifier.search(30)).toEqual([]); // two others are still under way
      for (const one of [...notifier.underWay]) await notifier.end(one, 31, true);
      expect(await notifier.search(31)).toHaveLength(4);
    });

    test(
      'keeps its record after an attempt that does not call it, ' + 'and a new host does not wait for a second',
      async () => {
        await put('blocked', 5);
        const notifier = new Notifier(store, 20);
        for (let n = 0; n < 5; n += 1) {
          const [one] = await notifier.search(0);
          await notifier.end(one!, 0, null);
        }
        expect(await notifier.search(0)).toEqual([]);
      },
    );

    test('of a receiver in this process is always responsive', async () => {
      await put('log:', 10);
      expect(await new Notifier(store, 20).search(0)).toHaveLength(4);
    });

    test('without a call for a day is deleted, and so is a Retry-After that has ended', async () => {
      await storeAnsweringHosts(db, 'old', 'used');
      await db.query("update receiver_hosts set outcome_at = $1 where host = 'used'", [at(60)]);
      await db.query("insert into receiver_hosts (host, answered, claimed_at) values ('tried', false, $1)", [at(60)]);
      await db.query("insert into delivery_holds (lane, not_before) values ('l', $1), ('m', $2)", [NOON, at(60)]);
      await pruneHosts(db, at(30));
      await pruneHolds(db, at(30));
      const { rows } = await db.query(
        'select host as left from receiver_hosts union all select lane from delivery_holds order by 1',
      );
      expect(rows).toEqual([{ left: 'm' }, { left: 'tried' }, { left: 'used' }]);
    });
  });

  describe('the permits of a notifier', () => {
    test.each([
      { concurrency: 20, dead: 40, projects: 1, expected: 4 },
      { concurrency: 20, dead: 40, projects: 2, expected: 4 },
      { concurrency: 20, dead: 40, projects: 5, expected: 5 },
      { concurrency: 7, dead: 40, projects: 1, expected: 1 },
      { concurrency: 1, dead: 40, projects: 1, expected: 1 },
      { concurrency: 20, dead: 3, projects: 1, expected: 3 },
      { concurrency: 100, dead: 300, projects: 1, expected: 20 },
      { concurrency: 100, dead: 300, projects: 30, expected: 25 },
    ])(
      'of $concurrency: $dead new hosts of $projects projects get $expected',
      async ({ concurrency, dead, projects, expected }) => {
        await putAtHosts(dead, (n) => [`dead${n}`, 2, `p${n % projects}`]);
        expect(await new Notifier(store, concurrency).search(0)).toHaveLength(expected);
      },
    );

    test.each(['a new host after all others', '0 a new host before all others'])(
      'are reserved for projects without an attempt at a hanging host: %s gets one at once',
      async (host) => {
        await putAtHosts(300, (n) => [`dead${n}`, 2, 'loud']);
        const notifier = new Notifier(store, 100);
        expect(await notifier.search(0)).toHaveLength(20);
        await put(host, 1, 'quiet');
        expect(countBy(await notifier.search(1))).toEqual({ quiet: 1 });
      },
    );

    test('are left by hanging hosts for responsive hosts', async () => {
      await putAtHosts(30, (n) => [`dead${n}`, 3, `p${n}`]);
      await putAtHosts(4, (n) => [`live${n}`, 5, `q${n}`]);
      await storeAnsweringHosts(db, 'live0', 'live1', 'live2', 'live3');
      const found = await new Notifier(store, 20).search(0);
      expect(found).toHaveLength(20);
      expect(found.filter(({ isHostResponsive }) => isHostResponsive)).toHaveLength(15);
    });

    test('go at most by half to one project, and otherwise to other projects with due notifications', async () => {
      await putAtHosts(10, (n) => [`live${n}`, 4, 'loud']);
      await put('quiet', 3, 'quiet');
      await storeAnsweringHosts(db, 'quiet', ...Array.from({ length: 10 }, (_, n) => `live${n}`));
      const notifier = new Notifier(store, 20);
      const found = await notifier.search(0);
      expect(countBy(found)).toEqual({ loud: 10, quiet: 3 });
      expect(await notifier.search(1)).toEqual([]);
      await notifier.end(
        found.find(({ projectId }) => projectId === 'loud')!,
        2,
        true,
      );
      expect(countBy(await notifier.search(2))).toEqual({ loud: 1 });
    });

    test('at one host go to other projects when one project holds half of all', async () => {
      await putAtHosts(3, (n) => [`live${n}`, 4, 'loud']);
      await storeAnsweringHosts(db, 'live0', 'live1', 'live2', 'shared');
      const notifier = new Notifier(store, 20);
      expect(countBy(await notifier.search(0))).toEqual({ loud: 10 });
      await put('shared', 4, 'loud');
      for (const project of ['q1', 'q2']) await put('shared', 6, project);
      expect(countBy(await notifier.search(1))).toEqual({ q1: 4, q2: 4 });
    });

    test('go to hanging hosts round robin, also to hundreds of them', async () => {
      await putAtHosts(300, (n) => [`dead${n}`, 1]);
      const notifier = new Notifier(store, 100);
      const seen = new Set<string>();
      for (let searches = 0; seen.size < 300 && searches < 40; searches += 1) {
        for (const one of await notifier.search(searches * 65)) seen.add(one.host);
        for (const one of [...notifier.underWay]) await notifier.end(one, searches * 65 + 65, false);
      }
      expect(seen.size).toBe(300);
    });

    test('that become free for hanging hosts go first to a project that holds none of them', async () => {
      await putAtHosts(200, (n) => [`dead${n}`, 2, 'loud']);
      const notifier = new Notifier(store, 20);
      const [first] = await notifier.search(0);
      await put('hangs too', 1, 'neighbour');
      expect(countBy(await notifier.search(0))).toEqual({ neighbour: 1 });
      await put('zz', 1, 'quiet');
      expect(await notifier.search(1)).toEqual([]);
      await notifier.end(first!, 65, false);
      expect(countBy(await notifier.search(65))).toEqual({ quiet: 1 });
    });
  });
}

function countBy(claims: readonly ClaimedNotification[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { projectId } of claims) counts[projectId ?? ''] = (counts[projectId ?? ''] ?? 0) + 1;
  return counts;
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { listReceivers } from '../../../src/storage/notifications/receiver-list-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeNotifications, storeNumbered, type StoredNotification } from '../../support/stored-notifications.js';

const ALL = { all: true } as const;
const OF_P = { projectId: 'p' };
const at = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);
const DEAD = { status: 'dead', attempt: 11, finishedAt: NOON } as const;
const FAILING = { status: 'pending', attempt: 2 } as const;

describe('receivers on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('receivers on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  /** Notifications of one receiver, each with a queue of its own. */
  const stored = (host: string, count: number, given: Partial<StoredNotification> = {}): Promise<void> =>
    storeNumbered(db, `${host}-${given.status ?? 'new'}-${given.projectId ?? 'p'}-${given.attempt ?? 0}-`, count, {
      host,
      ...given,
    });
  const failWith = (id: string, error: string, httpStatus: number | null): Promise<unknown> =>
    db.query(
      `with told as (update notifications set last_error = $2 where id = $1)
       insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status)
       values ($1, 1, $4, 1, 'retry', $3)`,
      [id, error, httpStatus, NOON],
    );

  test('are listed with pending, failing, in-flight and dead notifications, the most failing first', async () => {
    await stored('calm:80', 3, { status: 'delivered', attempt: 1, finishedAt: NOON });
    await stored('waiting:80', 4);
    await stored('dead:80', 2, DEAD);
    await stored('failing:80', 2, { ...FAILING, createdAt: at(-20) });
    await stored('failing:80', 1, { createdAt: at(-30) });
    await stored('failing:80', 1, { status: 'in_flight', claimUntil: at(1) });
    await stored('worst:80', 3, FAILING);
    const { receivers, total, isComplete } = await listReceivers(db, OF_P, { limit: 10 });
    const none = { failing: 0, pending: 0, inFlight: 0, dead: 0, oldestPendingAt: null };
    expect(receivers).toMatchObject([
      { ...none, host: 'worst:80', pending: 3, failing: 3, oldestPendingAt: NOON },
      { ...none, host: 'failing:80', pending: 3, failing: 2, inFlight: 1, oldestPendingAt: at(-30) },
      { ...none, host: 'dead:80', dead: 2 },
      { ...none, host: 'waiting:80', pending: 4, oldestPendingAt: NOON },
    ]);
    expect([total, isComplete]).toEqual([4, true]);
  });

  test('have the error of their newest failing notification, otherwise of the newest dead one', async () => {
    await storeNotifications(db, [
      { id: 'older', host: 'a:80', queue: '1', ...FAILING, createdAt: at(-2) },
      { id: 'newer', host: 'a:80', queue: '2', ...FAILING, createdAt: at(-1) },
      { id: 'newest-but-dead', host: 'a:80', queue: '3', ...DEAD },
      { id: 'dead', host: 'b:80', queue: '4', ...DEAD },
      { id: 'untried', host: 'c:80', queue: '5' },
    ]);
    await failWith('older', 'timeout', null);
    await failWith('newer', 'http_status 503', 503);
    await failWith('newest-but-dead', 'gone', 410);
    await failWith('dead', 'rejected', 403);
    const { receivers } = await listReceivers(db, OF_P, { limit: 10 });
    expect(receivers).toMatchObject([
      { host: 'a:80', lastError: 'http_status 503', lastHttpStatus: 503 },
      { host: 'b:80', lastError: 'rejected', lastHttpStatus: 403 },
      { host: 'c:80', lastError: null, lastHttpStatus: null },
    ]);
  });

  test('of a project are those of its own notifications; an admin also sees those of no project', async () => {
    await stored('shared:80', 2, DEAD);
    await stored('shared:80', 3, { ...DEAD, projectId: 'q' });
    await stored('theirs:80', 1, { ...DEAD, projectId: 'q' });
    await storeNotifications(db, [{ id: 'n', host: 'of-none:80', projectId: null, ...DEAD }]);
    const hosts = async (scope: typeof ALL | { projectId: string }): Promise<unknown> =>
      (await listReceivers(db, scope, { limit: 10 })).receivers.map(({ host, dead, projects }) => [
        host,
        dead,
        projects,
      ]);
    expect(await hosts(OF_P)).toEqual([['shared:80', 2, 1]]);
    expect(await hosts({ projectId: '' })).toEqual([]);
    expect(await hosts(ALL)).toEqual([
      ['shared:80', 5, 2],
      ['of-none:80', 1, 1],
      ['theirs:80', 1, 1],
    ]);
  });

  test('of tests are not counted', async () => {
    await storeNotifications(db, [{ id: 'n', kind: 'test', host: 'tested:80', ...DEAD }]);
    expect(await listReceivers(db, OF_P, { limit: 10 })).toEqual({ receivers: [], total: 0, isComplete: true });
  });

  test('are all found although one has more notifications than are counted', async () => {
    await stored('a:80', 9);
    await stored('b:80', 1, DEAD);
    await stored('c:80', 2);
    const found = await listReceivers(db, OF_P, { limit: 10, mostOfGroup: 4, rowsAtOnce: 2 });
    expect(found.receivers).toMatchObject([
      { host: 'b:80', dead: 1, isComplete: true },
      { host: 'a:80', pending: 4, isComplete: false },
      { host: 'c:80', pending: 2, isComplete: true },
    ]);
    expect(found.isComplete).toBe(true);
  });

  test('may be missing once the most notifications are read, and then the list is not complete', async () => {
    await stored('a:80', 3);
    await stored('b:80', 3);
    const found = await listReceivers(db, OF_P, { limit: 10, most: 4, rowsAtOnce: 2 });
    expect(found).toMatchObject({
      receivers: [
        { host: 'a:80', pending: 3 },
        { host: 'b:80', pending: 1 },
      ],
    });
    expect(found.isComplete).toBe(false);
  });

  test('beyond the limit are counted in the total', async () => {
    for (const host of ['a:80', 'b:80', 'c:80']) await stored(host, 1);
    expect(await listReceivers(db, OF_P, { limit: 2 })).toMatchObject({
      receivers: [{ host: 'a:80' }, { host: 'b:80' }],
      total: 3,
    });
  });
}

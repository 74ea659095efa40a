import { afterEach, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import {
  createNotificationClaimStore,
  type NotificationClaimStore,
} from '../../../src/storage/notifications/notification-claim-store.js';
import { createTestNotificationStore } from '../../../src/storage/notifications/test-notification-store.js';
import { NOON } from '../../support/builders.js';
import { countOnce } from '../../support/counted-claims.js';
import { makeCutOff, openPatient } from '../../support/cut-off-request.js';
import { eventually } from '../../support/eventually.js';
import { holdLock } from '../../support/held-lock.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import { storeAnsweringHosts, storeNumbered } from '../../support/stored-notifications.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const PER_HOUR = 8;
const OF_P = { projectId: 'p' };

/** Claims all that is due, as a notifier beside others. Returns the projects. */
async function claimAll(notifier: NotificationClaimStore): Promise<string[]> {
  const projects: string[] = [];
  for (let isMore = true; isMore;) {
    const found = await notifier.claim({
      now: NOON,
      claimUntil: new Date(NOON.getTime() + 80_000),
      limit: 100,
      perHost: 100,
      perHostAndProject: 100,
      cursor: FROM_THE_START,
    });
    projects.push(...found.claimed.map(({ projectId }) => projectId ?? ''));
    isMore = found.more && found.claimed.length > 0;
  }
  return projects.sort();
}

async function sentInHours(db: Database): Promise<Record<string, number>> {
  const { rows } = await db.query<{ project_id: string; sent: number }>(
    'select project_id, sent from notification_hours',
  );
  return Object.fromEntries(rows.map(({ project_id: project, sent }) => [project, sent]));
}

/** Due notifications of the projects p and q, dead ones of p, and an alarm of p. */
async function store(db: Database): Promise<void> {
  await storeAnsweringHosts(db, 'receiver:80');
  await storeNumbered(db, 'p', 3, OF_P);
  await storeNumbered(db, 'q', 3, { projectId: 'q' });
  await storeNumbered(db, 'dead', 3, { ...OF_P, status: 'dead', attempt: 5, finishedAt: NOON });
  await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: ['http://receiver/hook'] });
}

const replayDead = (db: Database): Promise<unknown> =>
  createNotificationAdminStore(db, { perProjectAndHour: PER_HOUR }).replay(OF_P, { status: 'dead' }, NOON);

const sendTest = (db: Database): Promise<unknown> =>
  createTestNotificationStore(db, { sealer: TEST_SEALER, perProjectAndHour: PER_HOUR }).send(OF_P, {
    alarmId: 'a',
    projectId: 'p',
    sequence: 1,
    body: '{}',
    chosen: [{ list: 'alarm_actions', index: 0 }],
    source: { definitionVersion: 1 },
    at: NOON,
  });

describeWithPostgres('the hour of a project', () => {
  test.each(
    [
      { what: 'a replay', request: replayDead },
      { what: 'a test', request: sendTest },
    ].flatMap((one) => [1, 2, 3, 4, 5, 6, 7, 8].map((writes) => ({ ...one, writes }))),
  )('is held by no client that is cut off after $writes requests of $what', async ({ request, writes }) => {
    const url = await freshPostgresUrl();
    const db = await openPatient(url, 4);
    undo.push(() => db.close());
    await store(db);
    const cut = await makeCutOff(url, writes, request);
    undo.push(() => cut.end());
    const projects = await claimAll(createNotificationClaimStore(db));
    expect(projects.filter((project) => project === 'q')).toHaveLength(3);
    expect(projects.filter((project) => project === 'p').length).toBeGreaterThanOrEqual(3);
  });

  test('that is locked is counted when the lock is free, and that of another project at once', async () => {
    const db = await openPatient(await freshPostgresUrl(), 4);
    undo.push(() => db.close());
    await store(db);
    await sendTest(db);
    const notifier = createNotificationClaimStore(db);
    const lock = await holdLock(db, `select from notification_hours where project_id = 'p' for update`);
    undo.push(() => lock.release());
    const rules = { now: NOON, perProjectAndHour: PER_HOUR };
    const numbers = new Map([['p', PER_HOUR - 1], ['q', 3]]); // prettier-ignore
    const { limited, left } = await countOnce(notifier, numbers, rules);
    expect([limited, await sentInHours(db)]).toEqual([[], { p: 1, q: 3 }]);
    await lock.release();
    expect(await countOnce(notifier, left, rules)).toEqual({ limited: ['p'], left: new Map() });
    expect(await sentInHours(db)).toEqual({ p: PER_HOUR, q: 3 });
  });

  test('that another transaction begins is waited for without a lock that this transaction needs next', async () => {
    const db = await openPatient(`${await freshPostgresUrl()}?options=-c%20lock_timeout=0`, 4);
    undo.push(() => db.close());
    await db.query(`insert into notification_hours values ('q', $1, 1, null)`, [NOON]);
    const notifier = createNotificationClaimStore(db);
    let counting: Promise<unknown> = Promise.resolve();
    const numbers = new Map([['p', 2], ['q', 2]]); // prettier-ignore
    // As a replay of an older release, which locks the hours of its projects one after the other.
    await db.transaction(async (tx) => {
      await tx.query(`insert into notification_hours values ('p', $1, 1, null)`, [NOON]);
      counting = countOnce(notifier, numbers, { now: NOON, perProjectAndHour: PER_HOUR });
      await eventually(async () => expect(await waitingForLocks(db)).toBe(1));
      await tx.query(`update notification_hours set sent = sent + 1 where project_id = 'q'`);
    });
    expect(await counting).toEqual({ limited: [], left: new Map([['p', 2]]) });
    expect(await sentInHours(db)).toEqual({ p: 1, q: 4 });
  });
});

async function waitingForLocks(db: Database): Promise<number> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await db.query(waiting)).rows.length;
}

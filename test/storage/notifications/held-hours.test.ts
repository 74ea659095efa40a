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
import { makeCutOff, openPatient } from '../../support/cut-off-request.js';
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

/** Claims all that is due, as a notifier beside others. Returns the projects, and those that have reached the limit. */
async function claimAll(notifier: NotificationClaimStore): Promise<{ projects: string[]; limited: string[] }> {
  const projects: string[] = [];
  const limited: string[] = [];
  for (let isMore = true; isMore;) {
    const found = await notifier.claim({
      now: NOON,
      claimUntil: new Date(NOON.getTime() + 80_000),
      limit: 100,
      perHost: 100,
      perHostAndProject: 100,
      perProjectAndHour: PER_HOUR,
      cursor: FROM_THE_START,
    });
    projects.push(...found.claimed.map(({ projectId }) => projectId ?? ''));
    limited.push(...found.limited);
    isMore = found.more && found.claimed.length > 0;
  }
  return { projects: projects.sort(), limited };
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
    const { projects } = await claimAll(createNotificationClaimStore(db));
    expect(projects.filter((project) => project === 'q')).toHaveLength(3);
    expect(projects.filter((project) => project === 'p').length).toBeGreaterThanOrEqual(3);
  });

  test('that is locked delays no claim, and is counted when the lock is free', async () => {
    const db = await openPatient(await freshPostgresUrl(), 4);
    undo.push(() => db.close());
    await store(db);
    await sendTest(db);
    const notifier = createNotificationClaimStore(db);
    const lock = await holdLock(db, `select from notification_hours where project_id = 'p' for update`);
    undo.push(() => lock.release());
    expect(await claimAll(notifier)).toEqual({ projects: ['p', 'p', 'p', 'p', 'q', 'q', 'q'], limited: [] });
    expect(await sentInHours(db)).toEqual({ p: 1, q: 3 });
    await lock.release();
    await storeNumbered(db, 'later', PER_HOUR - 4, OF_P);
    expect(await claimAll(notifier)).toMatchObject({ limited: ['p'] });
    expect(await sentInHours(db)).toEqual({ p: PER_HOUR, q: 3 });
  });
});

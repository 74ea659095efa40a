import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { createNotificationUpkeepStore } from '../../../src/storage/notifications/notification-upkeep-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';
import { storeAnsweringHosts, storeNotification } from '../../support/stored-notifications.js';

const at = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);
const UNTIL_10 = { endsAt: at(10), reason: null, pausedBy: null };

describe('pauses of deliveries on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('pauses of deliveries on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAlarm(db, { id: 'a', rule: thresholdRule() });
    await storeAnsweringHosts(db, 'receiver:80');
  });
  afterAll(() => db.close());

  const claims = () => createNotificationClaimStore(db);
  const upkeep = () => createNotificationUpkeepStore(db);
  const paused = async (): Promise<unknown[]> => (await db.query('select project_id from delivery_pauses')).rows;
  async function claimedAt(now: Date): Promise<string[]> {
    const request = { claimUntil: at(600), limit: 50, perHost: 32, perHostAndProject: 32, cursor: FROM_THE_START };
    return (await claims().claim({ now, ...request })).claimed.map(({ id }) => id);
  }

  describe.each(['p', '*'])('with an end, of project %s', (project) => {
    test('holds notifications until then, though no sweep has run', async () => {
      await createNotificationAdminStore(db).pause(project, NOON, UNTIL_10);
      await storeNotification(db, { id: 'n' });
      expect(await claimedAt(at(9.999))).toEqual([]);
      expect(await upkeep().figures(at(9.999))).toMatchObject({ due: 0 });
      expect(await upkeep().figures(at(10))).toMatchObject({ due: 1 });
      expect(await claimedAt(at(10))).toEqual(['n']);
    });

    test('wakes the notifiers at its end', async () => {
      await createNotificationAdminStore(db).pause(project, NOON, UNTIL_10);
      expect(await claims().nextDueAt(NOON)).toEqual(at(10));
      expect(await claims().nextDueAt(at(10))).toBeNull();
    });

    test('is removed by the sweep after its end, which makes waiting notifications due', async () => {
      await createNotificationAdminStore(db).pause(project, NOON, UNTIL_10);
      await storeNotification(db, { id: 'failed', attempt: 1, nextAttemptAt: at(3_600) });
      await upkeep().endPauses(at(9));
      expect([await paused(), await claimedAt(at(9))]).toEqual([[{ project_id: project }], []]);
      await upkeep().endPauses(at(10));
      expect([await paused(), await claimedAt(at(10))]).toEqual([[], ['failed']]);
    });

    test('is told to the stream at its end, once', async () => {
      await createNotificationAdminStore(db).pause(project, NOON, UNTIL_10);
      for (const seconds of [9, 10, 11]) await upkeep().endPauses(at(seconds));
      const { rows } = await db.query('select kind, object_id, all_projects, change, at from stream_entries');
      const shared = { kind: 'pause', object_id: project, all_projects: project === '*' };
      expect(rows).toEqual([
        { ...shared, change: 'begun', at: NOON },
        { ...shared, change: 'ended', at: at(10) },
      ]);
    });
  });

  test('without an end is never removed by the sweep', async () => {
    await createNotificationAdminStore(db).pause('p', NOON);
    await upkeep().endPauses(at(1_000_000_000));
    expect(await paused()).toEqual([{ project_id: 'p' }]);
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { unsealedAction } from '../../../src/alarm/stored-action.js';
import type { Database } from '../../../src/storage/database.js';
import { writeOutcomeRows, type OutcomeAlarm } from '../../../src/storage/evaluation/outcome-rows.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { allOf } from '../../support/pages.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { A_BODY, statuses, storeNotification, storeNotifications } from '../../support/stored-notifications.js';

const BODY_ID = '00000000-0000-4000-8000-000000000001';
const OLD = new Date(NOON.getTime() - 1_000);

describe('bodies of notifications on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('bodies of notifications on PostgreSQL', () => contract(serverDatabase));

/** An alarm that goes to alarm, with this number of actions. */
function anAlarm(id: string, actions: number): OutcomeAlarm {
  return {
    id,
    name: id,
    severity: 'low',
    project_id: 'p',
    state_version: 1,
    state_timestamp: NOON,
    delivery_policy: null,
    type: 'threshold',
    muted: false,
    told_state: null,
    ok_actions: null,
    alarm_actions: Array.from({ length: actions }, (_, index) => unsealedAction(`http://127.0.0.1:9/${index}`)),
    insufficient_data_actions: null,
    action_secrets: null,
  };
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function write(kind: 'transition' | 'repeat', ...alarms: OutcomeAlarm[]): Promise<void> {
    const outcome = { kind, from: 'ok', to: 'alarm', reason: 'because', reasonData: {} } as const;
    const applied = alarms.map((row) => ({ outcome, row }));
    const rows = kind === 'transition' ? { changed: applied, repeated: [] } : { changed: [], repeated: applied };
    await db.transaction((tx) =>
      writeOutcomeRows(tx, { ...rows, at: NOON, staleBefore: NOON, defaultPolicy: 'current' }),
    );
  }

  const bodies = async (): Promise<string[]> =>
    (await db.query<{ body: string }>('select body from notification_bodies order by body')).rows.map(
      ({ body }) => body,
    );

  const prune = (): Promise<number> =>
    createNotificationRetention(db)({
      delivered: NOON,
      repeats: NOON,
      dead: NOON,
      hosts: NOON,
      holds: NOON,
      hours: NOON,
    });

  test.each(['transition', 'repeat'] as const)('the notifications of a %s share one body', async (kind) => {
    await write(kind, anAlarm('a', 3), anAlarm('b', 2), anAlarm('silent', 0));
    const { rows } = await db.query(
      `select n.alarm_id, count(*) as notifications, count(distinct b.id) as bodies
         from notifications n join notification_bodies b on b.id = n.body_id and n.body is null
        where b.body like '%"alarm_id": "' || n.alarm_id || '"%' group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { alarm_id: 'a', notifications: 3, bodies: 1 },
      { alarm_id: 'b', notifications: 2, bodies: 1 },
    ]);
    expect(await bodies()).toHaveLength(2);
  });

  test('an alarm with more actions than one statement has one body', async () => {
    await write('transition', anAlarm('a', 5_001));
    const { rows } = await db.query('select count(*) as written, count(distinct body_id) as bodies from notifications');
    expect(rows).toEqual([{ written: 5_001, bodies: 1 }]);
    expect(await bodies()).toHaveLength(1);
  });

  test('a repeat that is written again leaves no second body', async () => {
    await write('repeat', anAlarm('a', 2));
    await write('repeat', anAlarm('a', 2));
    expect(await bodies()).toHaveLength(1);
    expect(Object.keys(await statuses(db))).toHaveLength(2);
  });

  test.each([
    { release: 'the first release', change: `body = '${A_BODY}', body_id = null`, kept: 0 },
    { release: 'this release', change: 'body = null', kept: 1 },
  ])('notifications of $release are sent and listed with their body', async ({ change, kept }) => {
    await storeNotification(db, { id: 'n', bodyId: BODY_ID });
    await db.query(`update notifications set ${change}`);
    await db.query(
      'delete from notification_bodies b where id not in (select body_id from notifications where body is null)',
    );
    expect(await bodies()).toHaveLength(kept);
    const request = { limit: 5, perHost: 8, perHostAndProject: 4, cursor: FROM_THE_START };
    const { claimed } = await createNotificationClaimStore(db).claim({ now: NOON, claimUntil: NOON, ...request });
    expect(claimed).toMatchObject([{ id: 'n', body: A_BODY }]);
    const listed = await allOf(createNotificationAdminStore(db).list({ all: true }, {}));
    expect(listed).toMatchObject([{ body: A_BODY }]);
  });

  describe('the deletion of old notifications', () => {
    const ended = { status: 'delivered', finishedAt: OLD, bodyId: BODY_ID };

    test('keeps a body as long as one notification has it', async () => {
      await storeNotifications(db, [
        { id: 'old', ...ended },
        { id: 'open', bodyId: BODY_ID },
        { id: 'other', ...ended, bodyId: '00000000-0000-4000-8000-000000000002', body: 'other' },
      ]);
      await prune();
      expect(await statuses(db)).toEqual({ open: 'pending' });
      expect(await bodies()).toEqual([A_BODY]);
      await db.query("update notifications set status = 'dead', finished_at = $1", [OLD]);
      await prune();
      expect(await bodies()).toEqual([]);
    });

    test('deletes notifications of the first release', async () => {
      await storeNotification(db, { id: 'old', ...ended });
      await db.query('update notifications set body_id = null, body = $1', [A_BODY]);
      await prune();
      expect(await statuses(db)).toEqual({});
    });

    test('leaves no body behind when several notifiers delete its notifications', async () => {
      await storeNotifications(
        db,
        Array.from({ length: 400 }, (_, n) => ({
          id: `n${n}`,
          ...ended,
          kind: n % 2 === 0 ? ('repeat' as const) : ('transition' as const),
          status: n % 4 < 2 ? 'delivered' : 'dead',
        })),
      );
      await Promise.all(Array.from({ length: 8 }, prune));
      await prune();
      expect(await statuses(db)).toEqual({});
      expect(await bodies()).toEqual([]);
    });
  });
}

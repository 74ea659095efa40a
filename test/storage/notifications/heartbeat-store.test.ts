import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { WebhookBody } from '../../../src/api/openapi/webhook.js';
import type { Database } from '../../../src/storage/database.js';
import { createActionOpener } from '../../../src/storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createHeartbeatStore, type HeartbeatStore } from '../../../src/storage/notifications/heartbeat-store.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { createNotificationUpkeepStore } from '../../../src/storage/notifications/notification-upkeep-store.js';
import { createNotificationRetention } from '../../../src/storage/retention/notification-retention.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { allOf } from '../../support/pages.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAnsweringHosts, storeNotification, type StoredNotification } from '../../support/stored-notifications.js';

const URL_WITH_SECRET = 'https://watch.example.com/ping?key=s3cret';
const HOST = 'watch.example.com:443';
const at = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);
const idAt = (seconds: number): string => `heartbeat-${at(seconds).getTime()}`;

describe('heartbeats in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('heartbeats in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let store: HeartbeatStore;

  beforeAll(async () => {
    db = await open();
    const options = { url: URL_WITH_SECRET, everyMs: 60_000, intervalMs: 60_000 };
    store = createHeartbeatStore(db, { ...options, sealer: TEST_SEALER });
  });
  beforeEach(async () => {
    await empty(db);
    await evaluatedAt(NOON);
    await storeAnsweringHosts(db, 'receiver:80', HOST);
  });
  afterAll(() => db.close());

  const evaluatedAt = (time: Date): Promise<unknown> =>
    db.query('update partitions set last_evaluated_at = $1', [time]);
  const statuses = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (
        await db.query<{ id: string; status: string }>("select id, status from notifications where kind = 'heartbeat'")
      ).rows.map(({ id, status }) => [id, status]),
    );
  const claims = () => createNotificationClaimStore(db);
  const claimAt = (now: Date) =>
    claims().claim({
      ...{ now, claimUntil: at(86_400), limit: 50, perHost: 32, perHostAndProject: 32 },
      cursor: FROM_THE_START,
    });
  const recordAt = (now: Date, outcome: 'delivered' | 'dead', error: string | null = null) =>
    claims().record(
      [
        {
          id: idAt(0),
          attempt: 1,
          startedAt: NOON,
          durationMs: 5,
          outcome,
          httpStatus: null,
          error,
          nextAttemptAt: null,
        },
      ],
      { now, defaultPolicy: 'current', maxAgeMs: 86_400_000 },
    );

  test('are written once in a period, however many notifiers write', async () => {
    const results = await Promise.all([at(1), at(2), at(3), at(3)].map((now) => store.beat(now)));
    expect(results.map(({ kind }) => kind).sort()).toEqual(['exists', 'exists', 'exists', 'written']);
    expect(await store.beat(at(59))).toEqual({ kind: 'exists' });
    expect(await store.beat(at(60))).toEqual({ kind: 'written' });
    expect(await statuses()).toEqual({ [idAt(0)]: 'pending', [idAt(60)]: 'pending' });
    expect(await store.lastAt()).toEqual(at(60));
    expect((await db.query('select from notification_bodies')).rows).toHaveLength(2);
  });

  test('are sent to their URL with a body that /openapi.json describes, and a sequence that rises', async () => {
    await store.beat(at(5));
    const { claimed } = await claimAt(at(5));
    expect(claimed.map(createActionOpener(TEST_SEALER))).toEqual([URL_WITH_SECRET]);
    expect(claimed).toMatchObject([
      { id: idAt(0), projectId: null, kind: 'heartbeat', sequence: NOON.getTime(), transitionTime: at(5), host: HOST },
    ]);
    expect(WebhookBody.parse(JSON.parse(claimed[0]?.body ?? ''))).toMatchObject({
      ...{ alarm_id: 'heartbeat', current: 'ok' },
      reason_data: { type: 'heartbeat', every: 60 },
    });
  });

  test('are stored without the secrets of their URL', async () => {
    await store.beat(NOON);
    const { rows } = await db.query<{ all: string }>(
      'select n::text || b::text as all from notifications n join notification_bodies b on b.id = n.body_id',
    );
    expect(rows.map(({ all }) => all.includes('s3cret'))).toEqual([false]);
  });

  test('are withheld while a partition was not evaluated within two intervals, and written afterwards', async () => {
    expect(await store.beat(at(120))).toEqual({ kind: 'written' });
    await db.query('update partitions set last_evaluated_at = $1 where id <> 7', [at(180)]);
    expect(await store.beat(at(181))).toEqual({ kind: 'withheld', unevaluated: 1, isDeliveryLate: false });
    await db.query('update partitions set last_evaluated_at = null where id = 7');
    expect(await store.beat(at(200))).toMatchObject({ kind: 'withheld', unevaluated: 1 });
    await evaluatedAt(at(200));
    expect(await store.beat(at(201))).toEqual({ kind: 'written' });
    expect(await store.beat(at(239))).toEqual({ kind: 'exists' });
  });

  test('are withheld while a notification is due for more than a minute, and written after its delivery', async () => {
    await storeNotification(db, { id: 'late' });
    expect(await store.beat(at(60))).toEqual({ kind: 'written' });
    await evaluatedAt(at(121));
    expect(await store.beat(at(121))).toEqual({ kind: 'withheld', unevaluated: 0, isDeliveryLate: true });
    await db.query("update notifications set status = 'delivered', finished_at = $1 where id = 'late'", [at(122)]);
    expect(await store.beat(at(122))).toEqual({ kind: 'written' });
  });

  const DUE_LATER: Partial<StoredNotification> = { nextAttemptAt: at(3_600), attempt: 1 };
  test.each<[string, () => Promise<unknown>]>([
    ['that waits for its next attempt', () => storeNotification(db, { id: 'n', ...DUE_LATER })],
    [
      'behind another one that waits',
      async () => {
        await storeNotification(db, { id: 'head', ...DUE_LATER });
        await storeNotification(db, { id: 'n' });
      },
    ],
    [
      'for a host that did not answer',
      async () => {
        await storeNotification(db, { id: 'n', host: 'silent:80' });
        await db.query("insert into receiver_hosts (host, answered, outcome_at) values ('silent:80', false, $1)", [
          NOON,
        ]);
      },
    ],
    [
      'that the Retry-After of its receiver delays',
      async () => {
        await storeNotification(db, { id: 'n', queue: 'q' });
        await db.query("insert into delivery_holds (lane, not_before) values ('q', $1)", [at(3_600)]);
      },
    ],
    [
      'of a project whose deliveries are paused',
      async () => {
        await storeNotification(db, { id: 'n' });
        await createNotificationAdminStore(db).pause('p', NOON);
      },
    ],
    ['that is a heartbeat', () => store.beat(NOON)],
  ])('are not withheld because of an old notification %s', async (_, prepare) => {
    await prepare();
    await evaluatedAt(at(600));
    expect(await store.beat(at(600))).toEqual({ kind: 'written' });
  });

  test('get one attempt: one that fails is cancelled', async () => {
    await store.beat(NOON);
    await claimAt(NOON);
    const { recorded } = await recordAt(at(1), 'dead', 'timeout');
    expect(recorded).toMatchObject([{ kind: 'heartbeat', status: 'cancelled', lastError: 'cancelled: timeout' }]);
    expect((await createNotificationUpkeepStore(db).figures(at(1))).dead).toBe(0);
  });

  test('whose notifier was killed are cancelled', async () => {
    await store.beat(NOON);
    await claimAt(NOON);
    expect(await createNotificationUpkeepStore(db).reclaim(at(90_000))).toBe(1);
    expect(await statuses()).toEqual({ [idAt(0)]: 'cancelled' });
  });

  test('that no notifier has begun to send within a minute are cancelled, so that they do not pile up', async () => {
    await store.beat(NOON);
    expect(await createNotificationUpkeepStore(db).cancel(at(59))).toBe(0);
    expect((await claimAt(at(61))).claimed).toEqual([]);
    expect(await statuses()).toEqual({ [idAt(0)]: 'cancelled' });
    await store.beat(at(120));
    expect(await createNotificationUpkeepStore(db).cancel(at(180))).toBe(1);
    expect(await statuses()).toEqual({ [idAt(0)]: 'cancelled', [idAt(120)]: 'cancelled' });
  });

  test('are deleted after notifier.keep_repeats, with their bodies', async () => {
    await store.beat(NOON);
    await claimAt(NOON);
    await recordAt(at(1), 'delivered');
    const limits = { delivered: at(-1), dead: at(-1), hosts: at(-1), holds: at(-1), hours: at(-1) };
    await createNotificationRetention(db)({ ...limits, repeats: NOON });
    expect(await statuses()).toEqual({ [idAt(0)]: 'delivered' });
    await createNotificationRetention(db)({ ...limits, repeats: at(1) });
    expect(await statuses()).toEqual({});
    expect((await db.query('select from notification_bodies')).rows).toEqual([]);
  });

  test('are seen by admins only, and have no part in streams, histories and limits', async () => {
    await store.beat(NOON);
    const { claimed, toCount } = await claimAt(NOON);
    expect([claimed.length, toCount.size]).toEqual([1, 0]);
    await recordAt(at(1), 'delivered');
    const admins = createNotificationAdminStore(db);
    const listed = async (scope: { all: true } | { projectId: string }): Promise<string[]> =>
      (await allOf(admins.list(scope, {}))).map(({ id }) => id);
    expect(await listed({ all: true })).toEqual([idAt(0)]);
    for (const projectId of ['p', '']) {
      expect(await listed({ projectId })).toEqual([]);
      expect(await admins.find({ projectId }, idAt(0))).toBeUndefined();
      expect(await admins.attempts({ projectId }, idAt(0))).toEqual([]);
    }
    expect((await db.query('select ended_in, ended_number from notifications')).rows).toEqual([
      { ended_in: null, ended_number: null },
    ]);
    for (const table of ['stream_entries', 'alarm_history', 'alarm_counts'])
      expect([table, (await db.query(`select from ${table}`)).rows]).toEqual([table, []]);
  });

  test('cannot be replayed', async () => {
    await store.beat(NOON);
    await claimAt(NOON);
    await recordAt(at(1), 'dead', 'timeout');
    const admins = createNotificationAdminStore(db);
    expect((await admins.replay({ all: true }, { id: idAt(0) }, at(2))).ids).toEqual([]);
    const all = await admins.replay({ all: true }, { status: 'cancelled' }, at(2));
    expect(all.ids).toEqual([]);
  });
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { DeliveryPolicy } from '../../../src/alarm/alarm.js';
import type { Database } from '../../../src/storage/database.js';
import { createEventStore } from '../../../src/storage/evaluation/event-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationUpkeepStore } from '../../../src/storage/notifications/notification-upkeep-store.js';
import { anEvent, eventRule } from '../../contract/event-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm } from '../../support/stored-alarms.js';
import { statuses } from '../../support/stored-notifications.js';

const HOOK = 'http://127.0.0.1:9/hook';
const EVENTS = Array.from({ length: 10 }, (_, index) => anEvent(`m${index}`));

function at(seconds: number): Date {
  return new Date(NOON.getTime() + seconds * 1_000);
}

describe('the policy of event alarms on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the policy of event alarms on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  /** Ten events fire the alarm. The first attempt of the first notification fails, then the outbox sweeper runs. */
  async function statusesAfterOutage(own: DeliveryPolicy | null, configured: DeliveryPolicy): Promise<string[]> {
    await storeAlarm(db, { id: 'a', rule: eventRule(), alarmActions: [HOOK], repeatActions: true });
    await db.query("update alarms set delivery_policy = $1 where id = 'a'", [own]);
    const store = createEventStore(db, {
      now: () => NOON,
      pause: () => Promise.resolve(),
      staleAfterMs: 60_000,
      defaultPolicy: configured,
    });
    expect(await store.record(EVENTS)).toMatchObject({ stored: 10, notifications: 10 });
    const claims = createNotificationClaimStore(db);
    const request = { limit: 50, perHost: 32, perHostAndProject: 4, cursor: FROM_THE_START };
    const { claimed } = await claims.claim({ now: at(1), claimUntil: at(81), ...request });
    expect(claimed).toMatchObject([{ sequence: 1, attempt: 1 }]);
    const failed = { outcome: 'retry', httpStatus: 503, error: 'http_status 503', nextAttemptAt: at(7) } as const;
    const attempts = claimed.map(({ id, attempt }) => ({ id, attempt, startedAt: at(1), durationMs: 10, ...failed }));
    await claims.record(attempts, { now: at(2), defaultPolicy: configured, maxAgeMs: 86_400_000 });
    const rules = { staleBefore: at(60), defaultPolicy: configured };
    await createNotificationUpkeepStore(db).supersede(at(120), rules);
    return Object.values(await statuses(db));
  }

  test.each([
    { own: null, configured: 'current', kept: 10 },
    { own: null, configured: 'every', kept: 10 },
    { own: 'every', configured: 'current', kept: 10 },
    { own: 'current', configured: 'current', kept: 1 },
    { own: 'current', configured: 'every', kept: 1 },
  ] as const)(
    'of ten events for an unavailable receiver $kept stay pending if the ' +
      'alarm has $own and notifier.policy is $configured',
    async ({ own, configured, kept }) => {
      const all = await statusesAfterOutage(own, configured);
      expect(all.filter((status) => status === 'pending')).toHaveLength(kept);
      expect(all.filter((status) => status === 'superseded')).toHaveLength(10 - kept);
    },
  );

  /** Returns the due time of a failed head of a delivery queue, with an hour to wait, after another event. */
  async function dueAfterNewEvent(given: { repeatActions: boolean; state: string }): Promise<Date | undefined> {
    let seconds = 0;
    await storeAlarm(db, { id: 'a', rule: eventRule(), alarmActions: [HOOK], repeatActions: given.repeatActions });
    const store = createEventStore(db, {
      now: () => at(seconds),
      pause: () => Promise.resolve(),
      staleAfterMs: 60_000,
      defaultPolicy: 'current',
    });
    await store.record([anEvent('first')]);
    await db.query('update notifications set attempt = 5, next_attempt_at = $1', [at(3_600)]);
    await db.query("update alarms set state = $1 where id = 'a'", [given.state]);
    seconds = 60;
    expect(await store.record([anEvent('second')])).toMatchObject({ stored: 1, notifications: 1 });
    const { rows } = await db.query<{ due: Date }>(
      'select next_attempt_at as due from notifications where sequence = 1 and attempt_base = $1',
      [given.state === 'alarm' ? 1 : 0],
    );
    return rows[0]?.due;
  }

  test.each([
    { when: 'repeats and was in alarm', repeatActions: true, state: 'alarm', due: 60 },
    { when: 'repeats and was put back to ok', repeatActions: true, state: 'ok', due: 3_600 },
    { when: 'does not repeat and was put back to ok', repeatActions: false, state: 'ok', due: 3_600 },
  ])('after an event the failed head of an alarm that $when is due $due s after noon', async ({ due, ...given }) => {
    expect(await dueAfterNewEvent(given)).toEqual(at(due));
  });
}

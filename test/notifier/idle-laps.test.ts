import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { DeliveryPump } from '../../src/notifier/delivery-pump.js';
import type { Database } from '../../src/storage/database.js';
import { createNotificationClaimStore } from '../../src/storage/notifications/notification-claim-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { embeddedDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { NOON } from '../support/builders.js';
import { storeNotifications } from '../support/stored-notifications.js';
import { createActionOpener } from '../../src/storage/notifications/claimed-notification.js';
import { TEST_SEALER } from '../support/sealer.js';

let db: Database;
beforeAll(async () => {
  db = await embeddedDatabase();
});
afterAll(() => db.close());

test('the pump searches a backlog over many hosts without due notifications, and then sleeps', async () => {
  const clock = new FakeClock(NOON);
  const later = new Date(NOON.getTime() + 3_600_000);
  await storeNotifications(
    db,
    Array.from({ length: 300 }, (_, n) => ({
      id: `n${n}`,
      alarmId: `a${n}`,
      host: `host${n}:80`,
      nextAttemptAt: later,
    })),
  );
  let claims = 0;
  const store = createNotificationClaimStore(db);
  const pump = new DeliveryPump({
    store: { ...store, claim: (request) => ((claims += 1), store.claim(request)) },
    openAction: createActionOpener(TEST_SEALER),
    receivers: {
      deliver: async () => ({ receiver: 'test', outcome: { kind: 'delivered' } }),
      close: async () => undefined,
    },
    clock,
    log: silentLogger,
    telemetry: createTelemetry(),
    random: () => 0.5,
    rules: {
      policy: 'current',
      concurrency: 10,
      attemptTimeoutMs: 1_000,
      claimMs: 5_000,
      sweepEveryMs: 5_000,
      retrySchedule: [0],
      rejectedSchedule: [],
      maxAgeMs: 86_400_000,
      perHost: 32,
      perHostAndProject: 4,
      perProjectAndHour: 0,
    },
  });
  const stopping = new AbortController();
  const running = pump.run(stopping.signal);
  await eventually(() => expect(clock.sleeping).toBe(1));
  expect(claims).toBeLessThan(12);
  stopping.abort();
  await running;
});

import { expect, test } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';

import { createSystemClock } from '../../src/clock.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import { DeliveryPump, type DeliveryRules } from '../../src/notifier/delivery-pump.js';
import { createReceivers, type Receivers } from '../../src/notifier/receivers/registry.js';
import type {
  FinishedAttempt,
  NotificationClaimStore,
} from '../../src/storage/notifications/notification-claim-store.js';
import type { ClaimedNotification } from '../../src/storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../../src/storage/notifications/fair-choice.js';
import { createTelemetry } from '../../src/telemetry.js';
import { NOON } from '../support/builders.js';
import { NO_CLOUD } from '../support/notifier-rig.js';
import { FakeClock } from '../support/fake-clock.js';
import { egressWith } from '../support/egress.js';
import { UNSIGNED } from '../support/webhook-settings.js';
import { unsealedAction } from '../../src/alarm/stored-action.js';
import { createActionOpener } from '../../src/storage/notifications/claimed-notification.js';
import { TEST_SEALER } from '../support/sealer.js';

const RULES: DeliveryRules = {
  policy: 'current',
  concurrency: 1,
  attemptTimeoutMs: 3_000,
  claimMs: 6_000,
  sweepEveryMs: 1_000,
  retrySchedule: [0, 5_000],
  rejectedSchedule: [5_000, 30_000],
  maxAgeMs: 86_400_000,
  perHost: 32,
  perHostAndProject: 4,
  perProjectAndHour: 0,
};

const NOTIFICATION: ClaimedNotification = {
  id: 'n',
  alarmId: 'a',
  projectId: 'p',
  kind: 'transition',
  sequence: 1,
  transitionTime: NOON,
  action: unsealedAction('queue://jobs'),
  actionSecrets: null,
  lane: 'a queue://jobs',
  host: 'queue:jobs',
  body: '{}',
  attempt: 1,
  attemptInSchedule: 1,
  rejectedSince: null,
  createdAt: NOON,
  isHostResponsive: true,
};

/** A claim store with one notification. `claim` resolves after `answered`; recorded attempts are kept. */
function outboxWithOne(
  answered: Promise<void> = Promise.resolve(),
): NotificationClaimStore & { recorded: FinishedAttempt[] } {
  const pending = [NOTIFICATION];
  const recorded: FinishedAttempt[] = [];
  return {
    recorded,
    async claim() {
      const claimed = pending.splice(0);
      if (claimed.length > 0) await answered;
      return { claimed, cursor: FROM_THE_START, more: false, dropped: 0, toCount: new Map() };
    },
    addToHours: async () => ({ projects: new Set(), limited: [] }),
    beginHours: async () => ({ projects: new Set(), limited: [] }),
    async record(finished) {
      recorded.push(...finished);
      const about = {
        kind: 'transition',
        status: 'pending',
        lastError: null,
        alarmId: 'a',
        alarmName: 'cpu',
        host: 'queue:jobs',
      } as const;
      return {
        recorded: finished.map(({ id, attempt, httpStatus }) => ({ ...about, id, attempt, httpStatus })),
        locked: [],
      };
    },
    nextDueAt: async () => null,
  };
}

test.each([
  { when: 'at once', pauseMs: 0, isSent: true },
  { when: 'just in time', pauseMs: 2_900, isSent: true },
  { when: 'when the claim might end during the attempt', pauseMs: 3_000, isSent: false },
])('a notification whose claim is answered $when is sent: $isSent', async ({ pauseMs, isSent }) => {
  const clock = new FakeClock();
  const sent: string[] = [];
  const receivers: Receivers = {
    async deliver({ id }) {
      sent.push(id);
      return { receiver: 'test', outcome: { kind: 'delivered' } };
    },
    close: async () => {},
  };
  let answer = (): void => {};
  const store = outboxWithOne(new Promise<void>((resolve) => (answer = resolve)));
  const stop = new AbortController();
  const lines: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const pump = pumpOf({ store, clock, receivers, log });

  const running = pump.run(stop.signal);
  await clock.advance(pauseMs);
  answer();
  await clock.advance(0);
  stop.abort();
  await running;

  expect(sent).toEqual(isSent ? ['n'] : []);
  expect(lines.includes('notification not sent: its claim is too old')).toBe(!isSent);
  expect(store.recorded).toHaveLength(isSent ? 1 : 0);
});

test('a queue whose Redis never answers makes an attempt time out, and does not block the notifier', async () => {
  const silent = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const clock = createSystemClock();
  const receivers = createReceivers({
    clock,
    log: silentLogger,
    connectTimeoutMs: 100,
    attemptTimeoutMs: 300,
    maxSocketsPerHost: 4,
    queueRedisUrl: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    queuePrefix: 'actions',
    version: 'test',
    egress: egressWith(),
    settingsOf: UNSIGNED,
    headersToLoopback: true,
    cloud: NO_CLOUD,
  });
  const store = outboxWithOne();
  const stop = new AbortController();
  const pump = pumpOf({ store, clock, receivers }, { attemptTimeoutMs: 300 });

  const running = pump.run(stop.signal);
  await clock.sleep(0); // the attempt begins
  stop.abort();
  await running;

  expect(store.recorded).toMatchObject([{ id: 'n', outcome: 'retry', error: 'timeout' }]);
  await receivers.close();
  await new Promise((resolve) => silent.close(resolve));
});

function pumpOf(
  deps: Pick<ConstructorParameters<typeof DeliveryPump>[0], 'store' | 'clock' | 'receivers'> & { log?: Logger },
  rules: Partial<DeliveryRules> = {},
): DeliveryPump {
  const telemetry = createTelemetry();
  return new DeliveryPump({
    log: silentLogger,
    ...deps,
    openAction: createActionOpener(TEST_SEALER),
    telemetry,
    random: () => 0.5,
    rules: { ...RULES, ...rules },
  });
}

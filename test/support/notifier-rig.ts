import { createSystemClock, type ServiceClock } from '../../src/clock.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import { createLocalWaker, type NotifierWaker, type LocalWaker } from '../../src/notifier/waker.js';
import { createNotifier, type NotifierDeps } from '../../src/notifier/notifier.js';
import type { Database } from '../../src/storage/database.js';
import { createNotificationClaimStore } from '../../src/storage/notifications/notification-claim-store.js';
import { createNotificationUpkeepStore } from '../../src/storage/notifications/notification-upkeep-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { createWebhookSettingsStore } from '../../src/storage/receivers/webhook-settings-store.js';
import type { Sealer } from '../../src/storage/secrets/sealed.js';
import { createActionOpener } from '../../src/storage/notifications/claimed-notification.js';
import { TEST_SEALER } from './sealer.js';
import { PATIENCE_MS } from './patience.js';
import { egressWith } from './egress.js';

const NEVER_MS = 3_600_000;

/** Short pauses between attempts, much time for each, and no sweep after the first within a test. */
export const RULES: NotifierDeps['rules'] = {
  policy: 'current',
  concurrency: 20,
  attemptTimeoutMs: PATIENCE_MS,
  connectTimeoutMs: PATIENCE_MS,
  claimMs: 3 * PATIENCE_MS,
  sweepEveryMs: NEVER_MS,
  retrySchedule: [0, 50, 50, 50],
  rejectedSchedule: [50, 100],
  maxAgeMs: NEVER_MS,
  perHost: 32,
  perHostAndProject: 4,
  perProjectAndHour: 0,
  staleAfterMs: NEVER_MS,
};

/** No Keystone, and no alarm with a trust. */
export const NO_CLOUD: NotifierDeps['cloud'] = {
  logins: undefined,
  trustOf: async () => undefined,
  ca: undefined,
  overHttp: true,
};

export interface NotifierRigOptions {
  rules?: Partial<NotifierDeps['rules']>;
  redis?: NotifierDeps['redis'];
  queue?: NotifierDeps['queue'];
  cloud?: Partial<NotifierDeps['cloud']>;
  waker?: NotifierWaker;
  log?: Logger;
  sealer?: Sealer;
  /** By default that of the machine. */
  clock?: ServiceClock;
}

export interface NotifierRig {
  waker: LocalWaker;
  /** Resolves when everything in hand is done and written. */
  stop(): Promise<void>;
}

/** A notifier on the clock of the machine, with its loops running. */
export function startNotifier(db: Database, options: NotifierRigOptions = {}): NotifierRig {
  const localWaker = createLocalWaker();
  const notifier = createNotifier({
    claims: createNotificationClaimStore(db),
    upkeep: createNotificationUpkeepStore(db),
    openAction: createActionOpener(options.sealer ?? TEST_SEALER),
    webhookSettings: createWebhookSettingsStore(db, options.sealer ?? TEST_SEALER),
    headersToLoopback: true,
    localWaker,
    waker: options.waker ?? localWaker,
    redis: options.redis,
    queue: options.queue ?? { redisUrl: undefined, prefix: 'test' },
    cloud: { ...NO_CLOUD, ...options.cloud },
    rules: { ...RULES, ...options.rules },
    clock: options.clock ?? createSystemClock(),
    log: options.log ?? silentLogger,
    telemetry: createTelemetry(),
    random: () => 0.5,
    version: '0',
    egress: egressWith(),
    heartbeat: undefined,
  });
  const stopping = new AbortController();
  const running = Promise.all(notifier.loops.map((loop) => loop.run(stopping.signal)));
  return {
    waker: localWaker,
    async stop() {
      stopping.abort();
      await running;
      await notifier.close();
    },
  };
}

import type { ServiceClock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { EgressGuard } from '../egress/egress-guard.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker, LocalWaker } from '../notifier/waker.js';
import { createNotifier, type Notifier } from '../notifier/notifier.js';
import type { Database } from '../storage/database.js';
import { createNotificationClaimStore } from '../storage/notifications/notification-claim-store.js';
import { createActionOpener } from '../storage/notifications/claimed-notification.js';
import { createNotificationUpkeepStore } from '../storage/notifications/notification-upkeep-store.js';
import { createWebhookSettingsStore } from '../storage/receivers/webhook-settings-store.js';
import type { Sealer } from '../storage/secrets/sealed.js';
import type { KeystoneSession } from '../keystone/session.js';
import type { Telemetry } from '../telemetry.js';
import { wakingStream, type StreamWaker } from './stream-wakers.js';
import { openHeartbeat } from './heartbeat.js';
import { openCloudAccess } from './trusts.js';

/** Dependencies of the notifier role. */
export interface NotifierRoleDeps {
  config: Config;
  db: Database;
  sealer: Sealer;
  waker: NotifierWaker;
  streamWaker: StreamWaker;
  localWaker: LocalWaker;
  keystone: KeystoneSession | undefined;
  egress: EgressGuard;
  clock: ServiceClock;
  log: Logger;
  telemetry: Telemetry;
  version: string;
}

/** Creates the notifier from the configuration. */
export function createNotifierRole(given: NotifierRoleDeps): Notifier {
  const { config, db, sealer, keystone, version, streamWaker, ...deps } = given;
  const claims = createNotificationClaimStore(db);
  const { notifier, redis, queue, evaluator } = config;
  return createNotifier({
    ...deps,
    version,
    claims: { ...claims, record: wakingStream(claims.record, streamWaker) },
    openAction: createActionOpener(sealer),
    webhookSettings: createWebhookSettingsStore(db, sealer),
    headersToLoopback: config.auth.mode === 'noauth',
    upkeep: createNotificationUpkeepStore(db),
    redis: redis.url && { url: redis.url.reveal(), prefix: redis.prefix },
    queue: { redisUrl: queue.redis_url?.reveal(), prefix: queue.prefix },
    cloud: openCloudAccess({ config, db, keystone }),
    heartbeat: openHeartbeat({ config, db, sealer }),
    random: Math.random,
    rules: {
      policy: notifier.policy,
      concurrency: notifier.concurrency,
      attemptTimeoutMs: notifier.attempt_timeout,
      connectTimeoutMs: notifier.connect_timeout,
      claimMs: notifier.claim,
      sweepEveryMs: notifier.sweep_every,
      retrySchedule: notifier.retry_schedule,
      rejectedSchedule: notifier.rejected_schedule,
      maxAgeMs: notifier.max_age,
      perHost: notifier.per_host,
      perHostAndProject: notifier.per_host_and_project,
      perProjectAndHour: config.limits.notifications_per_hour,
      staleAfterMs: evaluator.interval,
    },
  });
}

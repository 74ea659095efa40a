import type { ServiceClock } from '../clock.js';
import type { EgressGuard } from '../egress/egress-guard.js';
import type { Logger } from '../logger.js';
import type { ActionOpener } from '../storage/notifications/claimed-notification.js';
import type { NotificationClaimStore } from '../storage/notifications/notification-claim-store.js';
import type { NotificationUpkeepStore } from '../storage/notifications/notification-upkeep-store.js';
import type { WebhookSettingsStore } from '../storage/receivers/webhook-settings-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { createWakeWorker } from './bull-waker.js';
import { DeliveryPump, type DeliveryRules } from './delivery-pump.js';
import { createHeartbeatLoop, type HeartbeatSettings } from './heartbeat.js';
import type { NotifierWaker, LocalWaker } from './waker.js';
import { createWebhookSettingsReader } from './webhook-settings.js';
import { createReceivers, type CloudAccess } from './receivers/registry.js';
import { createOutboxSweeper, type OutboxSweepRules } from './outbox-sweeper.js';
import { Watchdog } from './watchdog.js';

/** What a notifier needs. */
export interface NotifierDeps {
  claims: NotificationClaimStore;
  upkeep: NotificationUpkeepStore;
  openAction: ActionOpener;
  webhookSettings: WebhookSettingsStore;
  /** True if headers of a receiver may be sent to this machine over a connection without TLS. */
  headersToLoopback: boolean;
  /** Wakes the notifier of this process. */
  localWaker: LocalWaker;
  /** Wakes the notifiers of all processes. The same object as `localWaker` when there is no Redis. */
  waker: NotifierWaker;
  /** Redis that carries wake-ups between processes. */
  redis: { url: string; prefix: string } | undefined;
  /** Redis for `queue://` actions. */
  queue: { redisUrl: string | undefined; prefix: string };
  cloud: CloudAccess;
  egress: EgressGuard;
  /** Undefined: no heartbeats are written. */
  heartbeat: HeartbeatSettings | undefined;
  rules: DeliveryRules & OutboxSweepRules & { connectTimeoutMs: number };
  clock: ServiceClock;
  log: Logger;
  telemetry: Telemetry;
  random: () => number;
  version: string;
}

export interface Notifier {
  loops: Loop[];
  /** Closes connections to receivers. Call when the loops have ended. */
  close(): Promise<void>;
}

/** Connects the delivery pump, the outbox sweeper, the watchdog and, with Redis, the worker for wake-ups. */
export function createNotifier(deps: NotifierDeps): Notifier {
  const { clock, log, telemetry, rules, redis } = deps;
  const receivers = createReceivers({
    clock,
    log,
    connectTimeoutMs: rules.connectTimeoutMs,
    attemptTimeoutMs: rules.attemptTimeoutMs,
    maxSocketsPerHost: rules.perHost,
    queueRedisUrl: deps.queue.redisUrl,
    queuePrefix: deps.queue.prefix,
    version: deps.version,
    cloud: deps.cloud,
    egress: deps.egress,
    settingsOf: createWebhookSettingsReader({ store: deps.webhookSettings, clock }),
    headersToLoopback: deps.headersToLoopback,
  });
  const pump = new DeliveryPump({
    store: deps.claims,
    openAction: deps.openAction,
    receivers,
    clock,
    log,
    telemetry,
    random: deps.random,
    rules,
  });
  deps.localWaker.onWake(() => pump.wake());
  const worker =
    redis &&
    createWakeWorker({ redisUrl: redis.url, prefix: redis.prefix, clock, log, onWake: () => pump.wakeAndWait() });
  const watchdog = new Watchdog({
    timeoutMs: 2 * (rules.claimMs + rules.sweepEveryMs),
    finished: () => pump.finished,
    rebuild: async () => {
      await worker?.rebuild();
      pump.wake();
    },
    clock,
    log,
  });
  const sweeper = createOutboxSweeper({
    store: deps.upkeep,
    waker: wakeBoth(deps),
    watchdog,
    clock,
    log,
    telemetry,
    rules,
  });
  const heartbeat =
    deps.heartbeat && createHeartbeatLoop({ ...deps.heartbeat, waker: wakeBoth(deps), clock, log, telemetry });
  const loops = [pump, sweeper, worker, heartbeat].filter((loop) => loop !== undefined);
  return { loops, close: () => receivers.close() };
}

/** Wakes the notifier of this process directly too, since Redis may be unavailable. */
function wakeBoth({ waker, localWaker }: NotifierDeps): NotifierWaker {
  return {
    wake(notifications) {
      localWaker.wake(notifications);
      if (waker !== localWaker) waker.wake(notifications);
    },
  };
}

import type { ServiceClock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { NotificationClaimStore } from '../storage/notifications/notification-claim-store.js';
import type { NotificationUpkeepStore } from '../storage/notifications/notification-upkeep-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { createWakeWorker } from './bull-waker.js';
import { DeliveryPump, type DeliveryRules } from './delivery-pump.js';
import type { NotifierWaker, LocalWaker } from './waker.js';
import { createReceivers, type CloudAccess } from './receivers/registry.js';
import { createOutboxSweeper, type OutboxSweepRules } from './outbox-sweeper.js';
import { Watchdog } from './watchdog.js';

export interface NotifierDeps {
  claims: NotificationClaimStore;
  upkeep: NotificationUpkeepStore;
  /** Heard in this process only. */
  localWaker: LocalWaker;
  /** What the sweeper rings for others; the local one when there is no Redis. */
  waker: NotifierWaker;
  /** Where to listen for others' rings. */
  redis: { url: string; prefix: string } | undefined;
  queue: { redisUrl: string | undefined; prefix: string };
  cloud: CloudAccess;
  rules: DeliveryRules & OutboxSweepRules & { connectTimeoutMs: number };
  clock: ServiceClock;
  log: Logger;
  telemetry: Telemetry;
  random: () => number;
  version: string;
}

export interface Notifier {
  loops: Loop[];
  /** Call when the loops have ended. */
  close(): Promise<void>;
}

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
  });
  const pump = new DeliveryPump({ store: deps.claims, receivers, clock, log, telemetry, random: deps.random, rules });
  deps.localWaker.onWake(() => pump.wake());
  const worker =
    redis &&
    createWakeWorker({ redisUrl: redis.url, prefix: redis.prefix, clock, log, onWake: () => pump.wakeAndWait() });
  const watchdog = new Watchdog({
    patienceMs: 2 * (rules.claimMs + rules.sweepEveryMs),
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
  return { loops: [pump, sweeper, ...(worker ? [worker] : [])], close: () => receivers.close() };
}

/** The sweeper's own process hears it even while Redis is away. */
function wakeBoth({ waker, localWaker }: NotifierDeps): NotifierWaker {
  return {
    wake(notifications) {
      localWaker.wake(notifications);
      if (waker !== localWaker) waker.wake(notifications);
    },
  };
}

import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { NotificationUpkeepStore } from '../storage/notifications/notification-upkeep-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import type { NotifierWaker } from './waker.js';
import type { Watchdog } from './watchdog.js';

export interface OutboxSweeperDeps {
  store: NotificationUpkeepStore;
  waker: NotifierWaker;
  watchdog: Watchdog;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  rules: OutboxSweepRules;
}

/** Settings of the sweep. */
export interface OutboxSweepRules {
  sweepEveryMs: number;
  policy: DeliveryPolicy;
  /** Under policy `current`, a pending notification older than this is superseded by a newer transition. */
  staleAfterMs: number;
}

/**
 * Repairs the outbox after crashed processes and lost wake-ups: makes notifications with expired claims pending again,
 * ends superseded and unwanted ones and pauses that are over, and wakes the notifiers for those that are due. Each
 * notifier runs a sweeper; all of them may run at the same time.
 */
export function createOutboxSweeper(deps: OutboxSweeperDeps): Loop {
  const { clock, log, rules } = deps;
  return {
    name: 'outbox-sweeper',
    async run(signal) {
      while (!signal.aborted) {
        const stalled = await sweep(deps).catch((thrown: unknown) => {
          log.warn('outbox sweep failed; will retry after notifier.sweep_every', { err: toError(thrown) });
          return undefined;
        });
        if (stalled !== undefined) await deps.watchdog.check(stalled);
        await clock.sleep(rules.sweepEveryMs, signal);
      }
    },
  };
}

/** Returns the number of stalled notifications: they are due, but no attempt is under way at their host. */
async function sweep({ store, waker, clock, log, telemetry, rules }: OutboxSweeperDeps): Promise<number> {
  const now = clock.now();
  const before = (ms: number): Date => new Date(now.getTime() - ms);
  const reclaimed = await store.reclaim(now);
  if (reclaimed > 0) log.warn('claims expired; their notifications are pending again', { reclaimed });
  await store.supersede(now, { staleBefore: before(rules.staleAfterMs), defaultPolicy: rules.policy });
  await store.cancel(now);
  await store.endPauses(now);
  const { open, dead, due, stalled, oldestDueAt } = await store.figures(now);
  telemetry.outboxDepth.set(open);
  telemetry.deadNotifications.set(dead);
  telemetry.outboxOldestAge.set(oldestDueAt === null ? 0 : (now.getTime() - oldestDueAt.getTime()) / 1000);
  if (due > 0) waker.wake(due);
  return stalled;
}

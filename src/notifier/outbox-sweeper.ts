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

export interface OutboxSweepRules {
  sweepEveryMs: number;
  policy: DeliveryPolicy;
  /** Under policy `current`, waiting longer than this makes a notification give way. */
  staleAfterMs: number;
  keepDeliveredMs: number;
  keepRepeatsMs: number;
  keepDeadMs: number;
}

/** A host that was not called for this time counts as new. */
const KEEP_HOSTS_MS = 24 * 3_600_000;

/**
 * Puts right what dead processes and lost rings leave behind: expired claims wait again, overtaken notifications are
 * dropped, and whatever is due is rung for. It runs in every notifier; correctness does not depend on which.
 */
export function createOutboxSweeper(deps: OutboxSweeperDeps): Loop {
  const { clock, log, rules } = deps;
  return {
    name: 'sweeper',
    async run(signal) {
      while (!signal.aborted) {
        const stalled = await sweep(deps).catch((thrown: unknown) => {
          log.warn('sweeping failed, trying again', { err: toError(thrown) });
          return undefined;
        });
        if (stalled !== undefined) await deps.watchdog.look(stalled);
        await clock.sleep(rules.sweepEveryMs, signal);
      }
    },
  };
}

/** Returns how many notifications are due where nobody is at work. */
async function sweep({ store, waker, clock, log, telemetry, rules }: OutboxSweeperDeps): Promise<number> {
  const now = clock.now();
  const before = (ms: number): Date => new Date(now.getTime() - ms);
  const reclaimed = await store.reclaim(now);
  if (reclaimed > 0) log.warn('claims had run out; their notifications wait again', { reclaimed });
  await store.supersede(now, { staleBefore: before(rules.staleAfterMs), defaultPolicy: rules.policy });
  await store.cancel(now);
  const { open, dead, due, stalled, oldestDueAt } = await store.figures(now);
  telemetry.outboxDepth.set(open);
  telemetry.deadNotifications.set(dead);
  telemetry.outboxOldestAge.set(oldestDueAt === null ? 0 : (now.getTime() - oldestDueAt.getTime()) / 1000);
  if (due > 0) waker.wake(due);
  await store.prune({
    delivered: before(rules.keepDeliveredMs),
    repeats: before(rules.keepRepeatsMs),
    dead: before(rules.keepDeadMs),
    hosts: before(KEEP_HOSTS_MS),
    holds: now,
  });
  return stalled;
}

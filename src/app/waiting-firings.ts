import { reportFirings } from '../api/alarms/event-intake.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { Chore } from '../housekeeping.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker } from '../notifier/waker.js';
import type { Database } from '../storage/database.js';
import { eventMatching, type EventStoreOptions } from '../storage/evaluation/event-store.js';
import { createWaitingFirings } from '../storage/evaluation/waiting-firings.js';
import type { Telemetry } from '../telemetry.js';
import { alarmLinkIn } from './alarm-link.js';
import type { StreamWaker } from './stream-wakers.js';

/** Settings with which events fire alarms. */
export function eventOptions({ config, clock }: { config: Config; clock: Clock }): EventStoreOptions {
  return {
    now: () => clock.now(),
    pause: () => clock.sleep(0),
    staleAfterMs: config.evaluator.interval,
    defaultPolicy: config.notifier.policy,
    alarmLink: alarmLinkIn(config),
  };
}

const EVERY_MS = 1_000;

/** Dependencies of the chore. */
export interface WaitingFiringsDeps {
  config: Config;
  db: Database;
  waker: NotifierWaker;
  streamWaker: Pick<StreamWaker, 'wake'>;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
}

/** Fires event alarms that another transaction had locked when their event came. Mostly there is none. */
export function waitingFiringsChore(deps: WaitingFiringsDeps): Chore {
  const { waker, streamWaker, log, telemetry } = deps;
  const store = createWaitingFirings(deps.db, eventMatching(eventOptions(deps)));
  const onFired = (firings: number): void => telemetry.transitions.inc({ state: 'alarm' }, firings);
  return {
    name: 'firings of locked alarms',
    everyMs: EVERY_MS,
    batch: Infinity,
    run: () =>
      store.fire({
        onFired(fired) {
          reportFirings({ waker, log, onFired }, fired);
          streamWaker.wake();
        },
        onFailed({ projectId, messageId }, err) {
          log.warn('an event could not fire the alarms that were locked; will retry', { projectId, messageId, err });
        },
      }),
  };
}

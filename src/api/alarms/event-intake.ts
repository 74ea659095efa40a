import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Logger } from '../../logger.js';
import type { NotifierWaker } from '../../notifier/waker.js';
import { AppError } from '../../errors.js';
import { DatabaseUnavailable } from '../../storage/engine/outage.js';
import type { FiredAlarms } from '../../storage/evaluation/event-firing.js';
import type { EventKey } from '../../storage/evaluation/waiting-firings.js';
import type { Events } from '../ports.js';

/** Dependencies of the intake of events. */
export interface EventIntakeDeps {
  events: Events;
  waker: NotifierWaker;
  log: Logger;
  /** Called with the number of alarms that fired, after each commit. */
  onFired: (firings: number) => void;
}

/** Numbers about the events of one request. */
export interface EventReceipt {
  received: number;
  duplicates: number;
  /** Number of firings. An alarm with `repeat_actions` counts once for each event. */
  fired: number;
  /** Number of alarms that are still locked. They fire when they are free. */
  waiting: number;
}

/** Most events in one transaction. */
const CHUNK = 500;

/**
 * Stores events and fires alarms, with as many transactions as it takes. The notifiers are woken after each. Then it
 * waits once, for a limited time, for alarms that other transactions have locked.
 *
 * If it rejects, some events may be stored, and one of them may have fired only some of its alarms. It is safe to send
 * all events again: those that are done are duplicates, and the unfinished one fires its other alarms.
 */
export async function takeIn(
  deps: EventIntakeDeps,
  lists: AsyncIterable<readonly AlarmEvent[]> | Iterable<readonly AlarmEvent[]>,
): Promise<EventReceipt> {
  const receipt: EventReceipt = { received: 0, duplicates: 0, fired: 0, waiting: 0 };
  try {
    const waiting: EventKey[] = [];
    for await (const events of lists) waiting.push(...(await takeInList(deps, events, receipt)));
    const awaited = await deps.events.fireWhenFree(waiting);
    receipt.fired += awaited.firings.length;
    receipt.waiting = awaited.waiting;
    reportFirings(deps, awaited);
    return receipt;
  } catch (cause) {
    if (!(cause instanceof DatabaseUnavailable) || receipt.received === 0) throw cause;
    throw new AppError('unavailable', takenInText(receipt), { cause });
  }
}

function takenInText({ received }: EventReceipt): string {
  return (
    `The database failed after ${received} ${received === 1 ? 'event was' : 'events were'} stored: ` +
    'send all events again; those that are stored fire no alarm twice'
  );
}

/** Returns the events that have not fired all their alarms. */
async function takeInList(
  deps: EventIntakeDeps,
  events: readonly AlarmEvent[],
  receipt: EventReceipt,
): Promise<EventKey[]> {
  const waiting: EventKey[] = [];
  let size = CHUNK;
  for (let start = 0; start < events.length;) {
    const recorded = await deps.events.record(events.slice(start, start + size));
    start += recorded.done;
    // `record` matches all events that it gets before it knows how many fit: it gets twice as many as fitted last time.
    size = Math.min(Math.max(2 * recorded.done, 1), CHUNK);
    receipt.received += recorded.done;
    receipt.duplicates += recorded.done - recorded.stored;
    receipt.fired += recorded.firings.length;
    reportFirings(deps, recorded);
    waiting.push(...recorded.waiting);
  }
  return waiting;
}

/** Wakes the notifiers, and counts and logs firings that are committed. */
export function reportFirings(
  { waker, onFired, log }: Pick<EventIntakeDeps, 'waker' | 'onFired' | 'log'>,
  { firings, notifications }: FiredAlarms,
): void {
  if (notifications > 0) waker.wake(notifications);
  onFired(firings.length);
  for (const firing of firings) log.info('alarm changed state', { ...firing });
}

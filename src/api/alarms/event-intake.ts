import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Logger } from '../../logger.js';
import type { NotifierWaker } from '../../notifier/waker.js';
import type { FiredAlarms } from '../../storage/evaluation/event-firing.js';
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
}

/** Most events in one transaction. */
const CHUNK = 500;

/**
 * Stores events and fires alarms, with as many transactions as it takes. If it rejects, some events may be stored, and
 * one of them may have fired only some of its alarms. It is safe to send all events again: those that are done are
 * duplicates, and the unfinished one fires its other alarms.
 */
export async function takeIn(deps: EventIntakeDeps, events: readonly AlarmEvent[]): Promise<EventReceipt> {
  const receipt: EventReceipt = { received: events.length, duplicates: 0, fired: 0 };
  let size = CHUNK;
  for (let start = 0; start < events.length;) {
    const recorded = await deps.events.record(events.slice(start, start + size));
    start += recorded.done;
    // `record` matches all events that it gets before it knows how many fit: it gets twice as many as fitted last time.
    size = Math.min(Math.max(2 * recorded.done, 1), CHUNK);
    receipt.duplicates += recorded.done - recorded.stored;
    receipt.fired += recorded.firings.length;
    reportFirings(deps, recorded);
  }
  return receipt;
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

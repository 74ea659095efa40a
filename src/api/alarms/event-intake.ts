import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Logger } from '../../logger.js';
import type { NotifierWaker } from '../../notifier/waker.js';
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
 * Stores events and fires alarms, in chunks with a transaction each. If it rejects, some chunks may be stored. It is
 * safe to send all events again, since stored ones are recognised as duplicates.
 */
export async function takeIn(deps: EventIntakeDeps, events: readonly AlarmEvent[]): Promise<EventReceipt> {
  const receipt: EventReceipt = { received: events.length, duplicates: 0, fired: 0 };
  let size = CHUNK;
  for (let start = 0; start < events.length;) {
    const chunk = events.slice(start, start + size);
    const recorded = await deps.events.record(chunk);
    if (!recorded) {
      size = Math.ceil(chunk.length / 2); // ends, since a single event always fits
      continue;
    }
    start += chunk.length;
    size = Math.min(size * 2, CHUNK);
    receipt.duplicates += chunk.length - recorded.stored;
    receipt.fired += recorded.firings.length;
    if (recorded.notifications > 0) deps.waker.wake(recorded.notifications);
    deps.onFired(recorded.firings.length);
    for (const firing of recorded.firings) deps.log.info('alarm changed state', { ...firing });
  }
  return receipt;
}

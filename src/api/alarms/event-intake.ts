import type { AlarmEvent } from '../../alarm/types/event/event.js';
import type { Logger } from '../../logger.js';
import type { NotifierWaker, Events } from '../ports.js';

export interface EventIntakeDeps {
  events: Events;
  waker: NotifierWaker;
  log: Logger;
  /** Called once a number of firings is durable. */
  onFired: (firings: number) => void;
}

export interface EventReceipt {
  received: number;
  duplicates: number;
  /** How often events set alarms off; one that repeats its actions counts for each. */
  fired: number;
}

/** Events of one transaction. */
const CHUNK = 500;

/**
 * Takes events in, in chunks that are durable one by one: when it rejects, some may be stored. Sending all of them
 * again is harmless, since those are known by then.
 */
export async function takeIn(deps: EventIntakeDeps, events: readonly AlarmEvent[]): Promise<EventReceipt> {
  const receipt: EventReceipt = { received: events.length, duplicates: 0, fired: 0 };
  let size = CHUNK;
  for (let start = 0; start < events.length;) {
    const chunk = events.slice(start, start + size);
    const recorded = await deps.events.record(chunk);
    if (!recorded) {
      size = Math.ceil(chunk.length / 2); // of a single event there is never too much
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

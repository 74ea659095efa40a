import type { Schemas } from './client.js';

/** Events of `/v1/stream` by their names. */
export type LiveEventName = 'transition' | 'definition' | 'delivery' | 'silence';

/** Which events an element wants. */
export interface LiveInterest {
  events: readonly LiveEventName[];
  /** Only events of this alarm, and those that belong to no alarm. */
  alarmId?: string;
}

/** An event of `/v1/stream`. After a `reset` an element is called as if all had happened. */
export interface LiveEvent {
  name: LiveEventName | 'reset';
  data: Schemas['StreamEvent'];
}

/**
 * Calls `onEvents` after events that the element wants: at most once a second, so that a burst costs one request. Most
 * elements ask their request again: `useLive({ events: ['silence'] }, answer.again)`.
 */
export function useLive(_interest: LiveInterest, _onEvents: (events: readonly LiveEvent[]) => void): void {
  // Filled by the stream.
}

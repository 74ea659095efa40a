import type { Schemas } from './client.js';

/** Events of `/v1/stream` by their names. */
export type LiveEventName = 'transition' | 'definition' | 'delivery' | 'silence';

/** An event of `/v1/stream`. After a `reset` an element is called as if all had happened. */
export type LiveEvent = { name: LiveEventName; data: Schemas['StreamEvent'] } | { name: 'reset'; data?: undefined };

/** Tells that events may have been missed. */
export const RESET: LiveEvent = { name: 'reset' };

/** What is new in the stream. */
export interface LiveNews {
  /** True while the stream is open. */
  isLive: boolean;
  /** The position up to which all events were told; undefined before the first one. */
  lastId: string | undefined;
  events: readonly LiveEvent[];
}

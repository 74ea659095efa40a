import type { Schemas } from './client.js';

/** Names of the events of `/v1/stream`. */
export type LiveEventName = 'transition' | 'definition' | 'delivery' | 'silence' | 'pause';

/** An event of `/v1/stream`. A `reset` is given to all elements: any event may have been missed. */
export type LiveEvent = { name: LiveEventName; data: Schemas['StreamEvent'] } | { name: 'reset'; data?: undefined };

/** Events may have been missed. */
export const RESET: LiveEvent = { name: 'reset' };

/** Events and state of the stream since the last news. */
export interface LiveNews {
  /** True while the stream is open. */
  isLive: boolean;
  /** The position of the last event; undefined before the first one. */
  lastId: string | undefined;
  events: readonly LiveEvent[];
}

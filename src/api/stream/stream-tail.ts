import { isBefore, type StreamPosition } from '../../storage/stream/stream-position.js';
import type { StreamEvent } from '../../storage/stream/stream-sources.js';
import { eventText } from './event-text.js';

/** An event, and its text for every client. */
export interface TailEvent {
  event: StreamEvent;
  text: string;
}

/** Most events, and most characters of their texts, that the tail keeps for clients that come back. */
const MOST_EVENTS = 5_000;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The events with their texts. */
export function tailEvents(epoch: string, events: readonly StreamEvent[]): TailEvent[] {
  return events.map((event) => ({ event, text: eventText(epoch, event) }));
}

/** The newest events, in memory, for all clients of this process. */
export class StreamTail {
  #events: TailEvent[] = [];
  #characters = 0;
  /** Every event after it is in memory, up to `position`. */
  #start: StreamPosition;

  constructor(
    readonly epoch: string,
    public position: StreamPosition,
  ) {
    this.#start = position;
  }

  /** Adds the events up to `through`. */
  append(events: readonly StreamEvent[], through: StreamPosition): void {
    for (const each of tailEvents(this.epoch, events)) {
      this.#events.push(each);
      this.#characters += each.text.length;
    }
    this.position = through;
    let dropped = 0;
    while (this.#events.length - dropped > MOST_EVENTS || this.#characters > MOST_CHARACTERS) {
      const oldest = this.#events[dropped];
      if (oldest === undefined) break;
      this.#characters -= oldest.text.length;
      this.#start = oldest.event;
      dropped += 1;
    }
    if (dropped > 0) this.#events = this.#events.slice(dropped);
  }

  /** The events after a position; undefined if not all of them are in memory. */
  after(position: StreamPosition): readonly TailEvent[] | undefined {
    if (isBefore(position, this.#start)) return undefined;
    let first = this.#events.length;
    while (first > 0 && isBefore(position, this.#events[first - 1]?.event ?? position)) first -= 1;
    return this.#events.slice(first);
  }
}

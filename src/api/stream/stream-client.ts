import type { ServerResponse } from 'node:http';

import { atMost } from '../../async/deadline.js';
import { firstEvent } from '../../async/first-event.js';
import type { Clock } from '../../clock.js';
import type { StreamPosition } from '../../storage/stream/stream-position.js';
import type { StreamEvent } from '../../storage/stream/stream-sources.js';
import type { Credentials, Identity } from '../identity/identity.js';
import { positionText, resetText, retryText } from './event-text.js';
import type { TailEvent } from './stream-tail.js';

/** Why a stream ended. */
export type StreamEnd = 'client' | 'credential' | 'slow_reader' | 'shutdown' | 'failed';

/** Who reads a stream, and what of it. */
export interface StreamReader {
  identity: Identity;
  credentials: Credentials;
  isWanted: (event: StreamEvent) => boolean;
  /** The id of the last event that the client has seen; undefined: it wants events from now on. */
  lastEventId: string | undefined;
}

/** Bytes that may wait for a client. One that has not taken so many when more come is disconnected. */
const MOST_BUFFERED = 256 * 1024;
/** Time that a client which catches up may take for one page. */
const PAGE_WAIT_MS = 30_000;
/** Time in which a client must take the end of its stream. */
const END_WAIT_MS = 1_000;

/** One open stream. */
export class StreamClient {
  /** The client has got every event up to here that it wants. */
  position: StreamPosition = { transaction: 0n, number: 0n };
  #writtenAt: number;
  #end: StreamEnd | undefined;

  constructor(
    readonly reader: StreamReader,
    private readonly response: ServerResponse,
    private readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  ) {
    this.#writtenAt = clock.monotonicMs();
  }

  /** True once the stream has ended, by the client or by the service. */
  get hasEnded(): boolean {
    return this.#end !== undefined || this.response.destroyed || this.response.closed;
  }

  /** Resolves with the reason when the stream has ended. */
  async ended(): Promise<StreamEnd> {
    if (!this.response.closed && !this.response.destroyed)
      await firstEvent(this.response, ['close']).catch(() => undefined);
    return this.#end ?? 'client';
  }

  /** Sends the wanted ones of the events up to `through`. */
  send(events: readonly TailEvent[], through: StreamPosition): void {
    const text = events.map((each) => (this.reader.isWanted(each.event) ? each.text : '')).join('');
    this.position = through;
    if (text !== '') this.#write(text);
  }

  /** Begins a stream: the status and headers, and the position for a client that has none. */
  begin(retryMs: number, epoch: string): void {
    this.response.shouldKeepAlive = false; // the end of the stream is the end of its connection
    this.response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'X-Accel-Buffering': 'no', // nginx would keep events back
    });
    this.#write(retryText(retryMs) + positionText(epoch, this.position));
  }

  /** Tells the client to read its lists again. The stream goes on after `position`. */
  reset(epoch: string, position: StreamPosition, reason: string): void {
    this.position = position;
    this.#write(resetText(epoch, position, reason));
  }

  /** Shows that the stream is alive, unless something was sent within `everyMs`. */
  beat(everyMs: number, epoch: string): void {
    if (this.clock.monotonicMs() - this.#writtenAt >= everyMs) this.#write(positionText(epoch, this.position));
  }

  /** Waits until the client has taken what was sent. A client that takes too long is disconnected. */
  async taken(): Promise<void> {
    if (this.hasEnded || !this.response.writableNeedDrain) return;
    const drained = firstEvent(this.response, ['drain', 'close']).then(() => true);
    if (!(await atMost(this.clock, PAGE_WAIT_MS, drained))) this.#cut('slow_reader');
  }

  /** Ends the stream; `retryMs`: when the client should connect again. */
  end(reason: StreamEnd, retryMs?: number): void {
    if (this.hasEnded) return;
    this.#end = reason;
    this.response.end(retryMs === undefined ? undefined : retryText(retryMs));
    const closed = firstEvent(this.response, ['close']).then(() => true);
    void atMost(this.clock, END_WAIT_MS, closed).then((isClosed) => {
      if (!isClosed) this.response.destroy();
    });
  }

  #write(text: string): void {
    if (this.hasEnded) return;
    if (this.response.writableLength > MOST_BUFFERED) return this.#cut('slow_reader');
    this.#writtenAt = this.clock.monotonicMs();
    this.response.write(text);
  }

  #cut(reason: StreamEnd): void {
    this.#end = reason;
    this.response.destroy();
  }
}

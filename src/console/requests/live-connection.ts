import { after, now } from '../shell/clock.js';
import { client, type Schemas } from './client.js';
import { readEventText, type EventBlock } from './event-text.js';
import { RESET, type LiveEvent, type LiveEventName, type LiveNews } from './live-events.js';

/** Where a connection to the stream starts, and its callbacks. */
export interface LiveConnectionDeps {
  /** The position after which the stream goes on. */
  lastId: string | undefined;
  onNews: (news: LiveNews) => void;
  /** Called when the service ended the stream. The session may have ended or changed. */
  onEnd: () => void;
}

/** The service sends an event or a heartbeat at least every 15 seconds. Without any, the stream is broken. */
const HEARTBEAT_TIMEOUT_MS = 40_000;
/** The wait before the first new attempt. Each further wait is twice as long. */
const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 30_000;

/**
 * Keeps one stream open. When it ends, it is opened again after the last position. `EventSource` cannot do this: it
 * sends no headers, and gives a script neither the status of a refusal nor a heartbeat.
 */
export class LiveConnection {
  readonly #closing = new AbortController();
  #lastId: string | undefined;
  #waitMs = FIRST_WAIT_MS;
  #retryMs = FIRST_WAIT_MS;
  #heardAtMs = now().getTime();
  /** Ends the present stream or the present wait. */
  #interrupt: () => void = () => undefined;

  constructor(private readonly deps: LiveConnectionDeps) {
    this.#lastId = deps.lastId;
    void this.#run();
  }

  /** Ends the stream. It is not opened again. */
  close(): void {
    this.#closing.abort();
    this.#interrupt();
  }

  /** For a computer that was asleep or offline: ends a wait, and a stream without data for half of the timeout. */
  reconnectIfQuiet(): void {
    this.#waitMs = FIRST_WAIT_MS;
    if (now().getTime() - this.#heardAtMs > HEARTBEAT_TIMEOUT_MS / 2) this.#interrupt();
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#once().catch(() => undefined);
      if (this.#isClosed()) return;
      this.#tell([], false);
      this.#heardAtMs = 0; // `reconnectIfQuiet` ends the wait
      const spread = 1 + Math.random() / 2;
      await this.#pause(Math.max(this.#waitMs * spread, this.#retryMs));
      if (this.#isClosed()) return;
      this.#waitMs = Math.min(this.#waitMs * 2, MOST_WAIT_MS);
    }
  }

  /** Opens the stream and reads it to its end. */
  async #once(): Promise<void> {
    const ending = new AbortController();
    this.#interrupt = () => ending.abort();
    let stopWatch = after(HEARTBEAT_TIMEOUT_MS, this.#interrupt);
    const hear = (): void => {
      this.#heardAtMs = now().getTime();
      stopWatch();
      stopWatch = after(HEARTBEAT_TIMEOUT_MS, this.#interrupt);
    };
    try {
      const query = this.#lastId === undefined ? {} : { last_event_id: this.#lastId };
      const { signal } = ending;
      const { data, response } = await client.GET('/v1/stream', { params: { query }, parseAs: 'stream', signal });
      // A proxy may send a date there, or anything else.
      this.#retryMs = (Number(response.headers.get('Retry-After')) || 0) * 1_000;
      if (data) {
        await readEventText(data, (blocks) => {
          hear();
          this.#waitMs = FIRST_WAIT_MS;
          this.#take(blocks);
        });
        if (!this.#isClosed()) this.deps.onEnd();
      }
    } finally {
      stopWatch();
      ending.abort(); // a stream that could not be understood is still open
    }
  }

  /** The first position counts as a reset: answers that were read before it may be older. */
  #take(blocks: readonly EventBlock[]): void {
    const isFirst = this.#lastId === undefined;
    const events: LiveEvent[] = [];
    for (const { id, event, data, retry } of blocks) {
      this.#lastId = id ?? this.#lastId;
      if (retry !== undefined) this.#retryMs = Number(retry);
      if (event !== undefined && data !== undefined) {
        events.push({ name: event as LiveEventName, data: JSON.parse(data) as Schemas['StreamEvent'] });
      }
    }
    if (this.#lastId === undefined) return;
    this.#tell(isFirst ? [RESET, ...events] : events, true);
  }

  #tell(events: readonly LiveEvent[], isLive: boolean): void {
    if (!this.#isClosed()) this.deps.onNews({ isLive, lastId: this.#lastId, events });
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = after(ms, resolve);
      this.#interrupt = () => {
        cancel();
        resolve();
      };
    });
  }
}

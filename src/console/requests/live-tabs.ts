import { after } from '../shell/clock.js';
import { LiveConnection } from './live-connection.js';
import { RESET, type LiveEvent, type LiveNews } from './live-events.js';

/** Messages between the tabs of one browser that show the same project to the same user. */
type Message =
  /** Asks the tab that holds the stream for its position. */
  | { kind: 'hello' }
  /** News of the stream, from the tab that holds it. `after`: the position before the news. */
  | ({ kind: 'news'; after: string | undefined } & LiveNews);

/** The tab that holds the stream sends news at least every 30 seconds. After this time another tab takes over. */
const NEWS_TIMEOUT_MS = 45_000;
/** Time for an answer to `hello`. */
const HELLO_TIMEOUT_MS = 5_000;

/**
 * The stream in this tab. One tab of the browser, chosen by a lock, holds it and sends its news to the others by a
 * channel. When that tab is closed, the next one continues after the last position. A tab that has missed news notices
 * it by the positions. Without locks or channels (plain http from another host) each visible tab has a stream.
 */
export class LiveTabs {
  readonly #listeners = new Set<(events: readonly LiveEvent[]) => void>();
  readonly #watchers = new Set<() => void>();
  readonly #channel: BroadcastChannel | undefined;
  #connection: LiveConnection | undefined;
  #lastId: string | undefined;
  #isLive: boolean | undefined;
  #isClosed = false;
  /** Leaves the queue for the lock. */
  #leaveQueue: () => void = () => undefined;
  /** Gives the lock back. */
  #release: () => void = () => undefined;
  #stopWatch: () => void = () => undefined;

  /** `name`: of the user and the project; tabs with the same name share the stream. */
  constructor(
    private readonly name: string,
    private readonly onEnd: () => void,
  ) {
    const canShare = 'locks' in navigator && 'BroadcastChannel' in globalThis;
    this.#channel = canShare ? new BroadcastChannel(name) : undefined;
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#hear(data));
    for (const event of ['visibilitychange', 'resume']) document.addEventListener(event, this.#wake);
    for (const event of ['online', 'pageshow']) addEventListener(event, this.#wake);
    if (this.#channel) void this.#queue();
    else this.#wake();
  }

  /** True while the stream is open, here or in another tab; undefined until that is known. */
  readonly isLive = (): boolean | undefined => this.#isLive;

  /** Calls `listener` with the events of each arrival. Returns the function that ends this. */
  listen(listener: (events: readonly LiveEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `watcher` when `isLive` has changed. Returns the function that ends this. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  close(): void {
    this.#isClosed = true;
    for (const event of ['visibilitychange', 'resume']) document.removeEventListener(event, this.#wake);
    for (const event of ['online', 'pageshow']) removeEventListener(event, this.#wake);
    this.#stopWatch();
    this.#leaveQueue();
    this.#disconnect();
    this.#channel?.close();
  }

  /** Waits for the lock, and holds the stream as long as this tab has the lock. */
  async #queue(): Promise<void> {
    const leaving = new AbortController();
    this.#leaveQueue = () => leaving.abort();
    this.#greet();
    await this.#hold({ signal: leaving.signal });
    // Another tab has taken the lock, since it had no news for too long.
    if (!this.#isClosed && !leaving.signal.aborted) void this.#queue();
  }

  /** Takes the lock from a tab that sends no news: the browser may have frozen it. */
  async #takeOver(): Promise<void> {
    this.#leaveQueue();
    await this.#hold({ steal: true });
    if (!this.#isClosed) void this.#queue();
  }

  async #hold(options: LockOptions): Promise<void> {
    const progress = { hasHeld: false };
    const held = (): Promise<void> =>
      new Promise((resolve) => {
        progress.hasHeld = true;
        this.#release = resolve;
        if (this.#isClosed) resolve();
        else this.#connect();
      });
    await navigator.locks.request(this.name, options, held).catch(() => undefined);
    if (progress.hasHeld) this.#disconnect();
  }

  #connect(): void {
    this.#stopWatch();
    this.#connection ??= new LiveConnection({
      lastId: this.#lastId,
      onEnd: this.onEnd,
      onNews: (news) => {
        const message: Message = { kind: 'news', after: this.#lastId, ...news };
        this.#say(message);
        this.#apply(message);
      },
    });
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#release();
  }

  #hear(message: Message): void {
    if (message.kind === 'news') {
      this.#expectNews(NEWS_TIMEOUT_MS);
      this.#apply(message);
    } else if (this.#connection) {
      const lastId = this.#lastId;
      this.#say({ kind: 'news', after: lastId, lastId, isLive: this.#isLive ?? false, events: [] });
    }
  }

  #apply({ after: before, lastId, isLive, events }: LiveNews & { after: string | undefined }): void {
    const hasMissed = this.#lastId !== undefined && before !== this.#lastId;
    this.#lastId = lastId;
    this.#setLive(isLive);
    const told = hasMissed ? [RESET] : events;
    if (told.length > 0) for (const listener of [...this.#listeners]) listener(told);
  }

  #say(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #setLive(isLive: boolean): void {
    if (this.#isLive === isLive) return;
    this.#isLive = isLive;
    for (const watcher of [...this.#watchers]) watcher();
  }

  #greet(): void {
    this.#say({ kind: 'hello' });
    this.#expectNews(HELLO_TIMEOUT_MS);
  }

  /** If no news come in time, a visible tab takes over. */
  #expectNews(withinMs: number): void {
    this.#stopWatch();
    if (this.#connection) return;
    this.#stopWatch = after(withinMs, () => {
      this.#setLive(false);
      if (!document.hidden) void this.#takeOver();
    });
  }

  /** The tab is shown again, or the computer is online again. */
  readonly #wake = (): void => {
    if (!this.#channel) {
      if (document.hidden) this.#disconnect();
      else this.#connect();
    }
    if (document.hidden) return;
    if (this.#connection) this.#connection.reconnectIfQuiet();
    else this.#greet();
  };
}

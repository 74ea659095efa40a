import type { ServerResponse } from 'node:http';

import { yieldToEventLoop } from '../../async/event-loop.js';
import { FairPermits } from '../../async/fair-permits.js';
import { WakeableSleep } from '../../async/wakeable-sleep.js';
import type { Clock } from '../../clock.js';
import { AppError, toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { isBefore, parseStreamEventId, type StreamPosition } from '../../storage/stream/stream-position.js';
import type { ApiAnswer } from '../http/answer.js';
import type { Authenticator } from '../identity/identity.js';
import type { StreamEvents } from '../ports.js';
import { CredentialChecks } from './credential-checks.js';
import { StreamClient, type StreamEnd, type StreamReader } from './stream-client.js';
import { StreamSlots, type StreamLimits } from './stream-slots.js';
import { StreamTail, tailEvents } from './stream-tail.js';

/** Dependencies and settings of the streams of a process. */
export interface StreamHubDeps {
  store: StreamEvents;
  authenticate: Authenticator;
  clock: Clock;
  log: Logger;
  random: () => number;
  limits: StreamLimits;
  /** Age from which events are no longer kept. */
  keepMs: number;
  /** Called with the number of open streams, and with the reason when one has ended. */
  onChange?: (open: number, ended?: StreamEnd) => void;
}

/** Pause between two reads of the database if nothing wakes the reader. */
const POLL_MS = 1_000;
/** Shortest pause, so that many events cost few reads and few writes. */
const LEAST_PAUSE_MS = 100;
const CHECK_EVERY_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** Clients that get their events in one iteration of the event loop. */
const CLIENTS_AT_ONCE = 50;
/** When clients connect again: spread, so that they do not come all at once. */
const RETRY_MS = 1_000;
const RETRY_SPREAD_MS = 4_000;
/** Clients that read their missed events from the database at the same time. */
const CATCH_UPS = { inAll: 2, perOwner: 1 };

/**
 * All streams of a process. One reader reads new events from the database and sends them to every client. A client that
 * comes back reads what it has missed by itself, until the events in memory follow.
 */
export class StreamHub {
  readonly #slots: StreamSlots;
  readonly #checks: CredentialChecks;
  readonly #clients = new Set<StreamClient>();
  /** Those of the clients that have caught up. */
  readonly #live = new Set<StreamClient>();
  readonly #catchUps = new FairPermits(CATCH_UPS);
  readonly #pause: WakeableSleep;
  #tail: Promise<StreamTail> | undefined;
  #stop = new AbortController();
  #isClosed = false;

  constructor(private readonly deps: StreamHubDeps) {
    this.#slots = new StreamSlots(deps.limits);
    this.#checks = new CredentialChecks(deps);
    this.#pause = new WakeableSleep(deps.clock);
  }

  /** Says that there may be new events. */
  wake(): void {
    this.#pause.wake();
  }

  /** The answer that is a stream. @throws AppError if there are too many streams or this process stops. */
  answer(reader: StreamReader, signal: AbortSignal): ApiAnswer {
    if (this.#isClosed) throw new AppError('unavailable', 'The service is stopping', { retryAfterS: 1 });
    const release = this.#slots.take(reader.identity.projectId);
    signal.addEventListener('abort', release, { once: true });
    return { status: 200, stream: (response) => this.#serve(reader, response).finally(release) };
  }

  /** Ends all streams and refuses new ones. */
  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.end('shutdown', this.#retryMs());
  }

  async #serve(reader: StreamReader, response: ServerResponse): Promise<void> {
    const client = new StreamClient(reader, response, this.deps.clock);
    try {
      const tail = await this.#theTail();
      const loss = await this.#resume(client, tail);
      if (this.#isClosed) throw new AppError('unavailable', 'The service is stopping', { retryAfterS: 1 });
      this.#clients.add(client);
      this.#checks.add(client);
      client.begin(this.#retryMs(), tail.epoch);
      if (loss !== undefined) client.reset(tail.epoch, tail.position, loss);
      this.deps.onChange?.(this.#slots.open);
      this.#startCatchUp(client);
      const reason = await client.ended();
      this.deps.onChange?.(this.#slots.open - 1, reason);
    } finally {
      this.#clients.delete(client);
      this.#live.delete(client);
      if (this.#clients.size === 0) this.#rest();
    }
  }

  /** The reader, which starts with the first client. */
  #theTail(): Promise<StreamTail> {
    return (this.#tail ??= this.#start().catch((thrown: unknown) => {
      this.#tail = undefined;
      throw thrown;
    }));
  }

  async #start(): Promise<StreamTail> {
    const tail = await this.#newTail();
    this.#stop = new AbortController();
    void this.#follow(this.#stop.signal);
    void this.#watch(this.#stop.signal);
    return tail;
  }

  async #newTail(): Promise<StreamTail> {
    const { epoch, horizon } = await this.deps.store.head();
    return new StreamTail(epoch, { transaction: horizon, number: 0n });
  }

  /** Without clients, nothing is read. */
  #rest(): void {
    this.#stop.abort();
    this.#tail = undefined;
  }

  /** Sets the position of a client. Resolves to the reason why it may have missed events; undefined if it has not. */
  async #resume(client: StreamClient, tail: StreamTail): Promise<string | undefined> {
    client.position = tail.position;
    const text = client.reader.lastEventId;
    if (text === undefined) return undefined;
    const id = parseStreamEventId(text);
    if (id?.epoch !== tail.epoch) return 'the id of the last event is not of this epoch';
    // Another process may be ahead of this one, but not of the database.
    if (isBefore(tail.position, id) && (await this.deps.store.head()).horizon < id.transaction)
      return 'the id of the last event is not of this database';
    if (tail.after(id) === undefined) {
      const from = await this.deps.store.keptFrom(new Date(this.deps.clock.now().getTime() - this.deps.keepMs));
      if (from !== undefined && id.transaction < from) return 'the id of the last event is older than what is kept';
    }
    client.position = id;
    return undefined;
  }

  #startCatchUp(client: StreamClient): void {
    this.#catchUp(client).catch((thrown: unknown) => {
      this.deps.log.warn('a client of the stream could not catch up; its stream ends', { err: toError(thrown) });
      client.end('failed', this.#retryMs());
    });
  }

  /** Sends a client what it has missed, and then makes it one that gets new events. */
  async #catchUp(client: StreamClient): Promise<void> {
    const owner = client.reader.identity.projectId ?? '';
    while (!client.hasEnded) {
      const tail = await this.#theTail();
      const events = tail.after(client.position);
      if (events !== undefined) {
        client.send(events, isBefore(client.position, tail.position) ? tail.position : client.position);
        this.#live.add(client);
        return;
      }
      await this.#catchUps.run(owner, () => this.#sendPage(client, tail));
      await client.taken();
    }
  }

  async #sendPage(client: StreamClient, tail: StreamTail): Promise<void> {
    if (client.hasEnded) return;
    const page = await this.deps.store.read(client.position);
    if (page.epoch !== tail.epoch || page.lostThrough >= client.position.transaction) {
      client.reset(tail.epoch, tail.position, 'events that the client has not read were deleted');
      return;
    }
    client.send(tailEvents(tail.epoch, page.events), page.through);
  }

  /** Reads new events and sends them to all clients that have caught up. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    let isFailing = false;
    while (!signal.aborted) {
      let hasMore = false;
      this.#pause.set();
      try {
        hasMore = await this.#readNext(isFailing, signal);
        if (isFailing) log.info('the stream reads events again');
        isFailing = false;
      } catch (thrown) {
        if (!isFailing) log.warn('the stream cannot read events; will retry', { err: toError(thrown) });
        isFailing = true;
      }
      if (hasMore) continue;
      await clock.sleep(LEAST_PAUSE_MS, signal);
      await this.#pause.sleep(POLL_MS - LEAST_PAUSE_MS, signal);
    }
  }

  /** Returns true if there are more events to read. `isAgain`: the data may have been restored meanwhile. */
  async #readNext(isAgain: boolean, signal: AbortSignal): Promise<boolean> {
    const { store } = this.deps;
    const tail = await this.#theTail();
    if (isAgain) await store.head();
    const page = await store.read(tail.position);
    if (signal.aborted) return false;
    if (page.epoch === tail.epoch && page.horizon < tail.position.transaction) await store.newEpoch();
    if (page.epoch !== tail.epoch || page.horizon < tail.position.transaction) {
      await this.#restart();
      return false;
    }
    tail.append(page.events, page.through);
    await this.#sendToAll(tail, page.through);
    return page.hasMore;
  }

  async #restart(): Promise<void> {
    const tail = await this.#newTail();
    this.#tail = Promise.resolve(tail);
    for (const client of this.#clients) client.reset(tail.epoch, tail.position, 'the data was restored');
  }

  async #sendToAll(tail: StreamTail, through: StreamPosition): Promise<void> {
    let sent = 0;
    for (const client of [...this.#live]) {
      if (!isBefore(client.position, through)) continue;
      const events = tail.after(client.position);
      if (events) client.send(events, through);
      else if (this.#live.delete(client)) this.#startCatchUp(client);
      if (++sent % CLIENTS_AT_ONCE === 0) await yieldToEventLoop();
    }
  }

  /** Shows clients that their streams are alive, and ends those whose credentials have ended. */
  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.deps.clock.sleep(CHECK_EVERY_MS, signal);
      if (signal.aborted) return;
      this.#checks.check([...this.#clients]);
      const { epoch } = await this.#theTail();
      for (const client of this.#clients) client.beat(HEARTBEAT_MS, epoch);
    }
  }

  #retryMs(): number {
    return RETRY_MS + this.deps.random() * RETRY_SPREAD_MS;
  }
}

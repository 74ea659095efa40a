import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

import { sendAnswer } from '../../src/api/http/answer.js';
import { createSystemClock } from '../../src/clock.js';
import { yieldToEventLoop } from '../../src/async/event-loop.js';
import { firstEvent } from '../../src/async/first-event.js';

let warnings: Error[] = [];
const note = (warning: Error): void => void warnings.push(warning);
beforeEach(() => {
  warnings = [];
  process.on('warning', note);
});
afterEach(() => void process.off('warning', note));

const listeners = (emitter: EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

describe('waiting for the first of several events', () => {
  test.each(['drain', 'close', 'error'])('leaves no listener after %s, however often it is repeated', async (name) => {
    const emitter = new EventEmitter();
    for (let round = 0; round < 50; round += 1) {
      const waiting = firstEvent(emitter, ['drain', 'close']).catch((cause: unknown) => cause);
      emitter.emit(name, new Error('broken'));
      expect(await waiting).toEqual(name === 'error' ? new Error('broken') : undefined);
      expect(listeners(emitter)).toBe(0);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });
});

describe('a long answer', () => {
  const PAGES = 14;
  const MANY = 2_000;
  let pagesWanted: number;
  let server: Server;
  let response: ServerResponse;
  let counts: number[];
  let isOver: Promise<unknown>;

  async function* pages(): AsyncGenerator<string[]> {
    for (let page = 0; page < pagesWanted; page += 1) {
      yield Array.from({ length: 500 }, (_, row) => `${page} ${row} ${'x'.repeat(600)}`); // about what an alarm takes
      counts.push(listeners(response));
    }
  }

  beforeEach(async () => {
    counts = [];
    pagesWanted = PAGES;
    server = createServer((_, answer) => {
      response = answer;
      isOver = sendAnswer(
        answer,
        { status: 200, pages: pages() },
        { clock: createSystemClock(), nextTimeSlice: yieldToEventLoop },
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function begin(): Promise<IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    const request = httpRequest({ port, host: '127.0.0.1' }).on('error', () => undefined);
    request.end();
    const [incoming] = (await once(request, 'response')) as [IncomingMessage];
    return incoming;
  }

  test(
    'of 7,000 rows to a slow client adds no listener from page ' + 'to page, and prints no warning of a leak',
    async () => {
      const incoming = await begin();
      let bytes = 0;
      // A chunk at a time: the writer has to wait at each page.
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await isOver;
      expect(bytes).toBeGreaterThan(PAGES * 500 * 600);
      expect(counts).toHaveLength(PAGES);
      expect(new Set(counts).size).toBe(1);
      expect(warnings).toEqual([]);
    },
  );

  test('ends when its client disconnects, and leaves no listener of its own', async () => {
    pagesWanted = MANY;
    (await begin()).destroy();
    await isOver;
    expect(counts.length).toBeLessThan(MANY);
    expect([response.listenerCount('drain'), response.listenerCount('error')]).toEqual([0, 0]);
    expect(warnings).toEqual([]);
  });
});

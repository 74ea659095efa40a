import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { ConcurrencyLimit } from '../../src/api/http/concurrency-limit.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, type TestApi } from '../support/api.js';
import { embeddedDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';

/** Endless pages. */
async function* numbers(): AsyncIterable<number> {
  for (let n = 0; ; n += 1) yield await Promise.resolve(n);
}

async function* failing(): AsyncIterable<number> {
  yield 0;
  await Promise.reject(new Error('the database went away'));
}

const REFUSED = { code: 'too_many_requests' };

describe('slots for long answers', () => {
  const begin = async (slots: ConcurrencyLimit, projectId: string | null): Promise<AsyncIterator<number>> => {
    const pages = slots.during(projectId, numbers())[Symbol.asyncIterator]();
    await pages.next();
    return pages;
  };

  test('are counted for each project, and for all together', async () => {
    const slots = new ConcurrencyLimit({ perProject: 2, inAll: 4 });
    await begin(slots, 'p1');
    await begin(slots, 'p1');
    await expect(begin(slots, 'p1')).rejects.toMatchObject(REFUSED);
    await begin(slots, null);
    await begin(slots, 'p2');
    await expect(begin(slots, 'p2')).rejects.toMatchObject(REFUSED);
  });

  test.each([
    ['the reader turns away', (pages: AsyncIterator<number>) => pages.return?.()],
    ['the reader fails', (pages: AsyncIterator<number>) => pages.throw?.(new Error('gone')).catch(() => undefined)],
  ])('are free again when %s', async (_, end) => {
    const slots = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    const pages = await begin(slots, 'p1');
    await expect(begin(slots, 'p2')).rejects.toMatchObject(REFUSED);
    await end(pages);
    await begin(slots, 'p1');
    await expect(begin(slots, 'p2')).rejects.toMatchObject(REFUSED);
  });

  test('are free again when the pages fail', async () => {
    const slots = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    const pages = slots.during('p1', failing())[Symbol.asyncIterator]();
    await pages.next();
    await expect(pages.next()).rejects.toThrow('the database went away');
    await begin(slots, 'p1');
  });

  test('are not needed by an answer of one page', async () => {
    const slots = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    await begin(slots, 'p1');
    async function* onePage(): AsyncIterable<number> {
      yield await Promise.resolve(7);
    }
    const read: number[] = [];
    for await (const page of slots.during('p1', onePage())) read.push(page);
    expect(read).toEqual([7]);
  });

  test('are not taken by answers that nobody begins to read', async () => {
    const slots = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    slots.during('p1', numbers());
    await begin(slots, 'p1');
  });
});

describe('queries at once', () => {
  let db: Database;
  let api: TestApi;
  let open: () => void;
  let gate: Promise<void>;
  /** Whether answers that begin now go on, finding nothing, for as long as the test does. */
  let isEndless: boolean;
  let isOver: boolean;

  /** Answers that begin, and end when the gate is open. */
  async function* gated(): AsyncIterable<never[]> {
    const goesOn = isEndless;
    yield [];
    await gate;
    while (goesOn && !isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      yield [];
    }
  }

  beforeAll(async () => {
    db = await embeddedDatabase();
    api = await startApi(db, { queries: { alarms: gated, history: gated } });
  });
  beforeEach(() => {
    gate = new Promise((resolve) => (open = resolve));
    isEndless = false;
    isOver = false;
  });
  afterEach(() => {
    isOver = true;
    open();
  });
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  /** Resolves once the answer has begun. */
  async function begin(
    as: Readonly<Record<string, string>>,
  ): Promise<{ status: number | undefined; leave: () => void }> {
    const headers = { ...as, 'content-type': 'application/json' };
    const request = httpRequest(`${api.url}/v2/query/alarms`, { method: 'POST', headers });
    request.on('error', () => undefined);
    request.end('{}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode, leave: () => request.destroy() };
  }

  const ask = async (as: Readonly<Record<string, string>>, path = 'alarms'): Promise<number> =>
    (await api.ask('POST', `/v2/query/${path}`, { as, body: {} })).status;

  test('beyond two of a project, or four in all, are told to come again', async () => {
    await begin(MEMBER);
    await begin(MEMBER);
    const refused = await api.ask('POST', '/v2/query/alarms/history', { as: MEMBER, body: {} });
    expect([refused.status, refused.headers['retry-after'], refused.fault]).toEqual([
      429,
      '5',
      'Too many complex queries at once',
    ]);
    await begin(STRANGER);
    await begin(ADMIN);
    expect(await ask(STRANGER)).toBe(429);
    open();
    expect(await ask(MEMBER)).toBe(200);
  });

  test('are over when their client has gone, also where nothing is found to be sent', async () => {
    isEndless = true;
    open();
    const clients = [await begin(MEMBER), await begin(MEMBER)];
    expect((await begin(MEMBER)).status).toBe(429);
    for (const client of clients) client.leave();
    await eventually(async () => {
      const again = await begin(MEMBER);
      again.leave();
      expect(again.status).toBe(200);
    });
  });
});

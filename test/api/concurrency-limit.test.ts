import { request as httpRequest } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { ConcurrencyLimit } from '../../src/api/http/concurrency-limit.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
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

describe('ConcurrencyLimit', () => {
  const begin = async (limit: ConcurrencyLimit, projectId: string | null): Promise<AsyncIterator<number>> => {
    const pages = limit.limitLongAnswer(projectId, numbers())[Symbol.asyncIterator]();
    await pages.next();
    return pages;
  };

  test('refuses a third answer of one project and a fifth answer in all', async () => {
    const limit = new ConcurrencyLimit({ perProject: 2, inAll: 4 });
    await begin(limit, 'p1');
    await begin(limit, 'p1');
    await expect(begin(limit, 'p1')).rejects.toMatchObject(REFUSED);
    await begin(limit, null);
    await begin(limit, 'p2');
    await expect(begin(limit, 'p2')).rejects.toMatchObject(REFUSED);
  });

  test.each([
    ['stops reading', (pages: AsyncIterator<number>) => pages.return?.()],
    ['fails', (pages: AsyncIterator<number>) => pages.throw?.(new Error('gone')).catch(() => undefined)],
  ])('admits the next answer when the reader %s', async (_, end) => {
    const limit = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    const pages = await begin(limit, 'p1');
    await expect(begin(limit, 'p2')).rejects.toMatchObject(REFUSED);
    await end(pages);
    await begin(limit, 'p1');
    await expect(begin(limit, 'p2')).rejects.toMatchObject(REFUSED);
  });

  test('admits the next answer when the pages fail', async () => {
    const limit = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    const pages = limit.limitLongAnswer('p1', failing())[Symbol.asyncIterator]();
    await pages.next();
    await expect(pages.next()).rejects.toThrow('the database went away');
    await begin(limit, 'p1');
  });

  test('does not count an answer of one page', async () => {
    const limit = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    await begin(limit, 'p1');
    async function* onePage(): AsyncIterable<number> {
      yield await Promise.resolve(7);
    }
    const read: number[] = [];
    for await (const page of limit.limitLongAnswer('p1', onePage())) read.push(page);
    expect(read).toEqual([7]);
  });

  test.each([
    { what: 'as many pages as are free is not counted', pages: 3, isRefused: false },
    { what: 'one page more is counted', pages: 4, isRefused: true },
  ])('an answer of $what', async ({ pages, isRefused }) => {
    const limit = new ConcurrencyLimit({ perProject: 1, inAll: 1, freePages: 3 });
    async function* some(): AsyncIterable<number> {
      for (let n = 0; n < pages; n += 1) yield await Promise.resolve(n);
    }
    await begin(limit, 'p1');
    const read = async (): Promise<number> => {
      let count = 0;
      for await (const _ of limit.limitLongAnswer('p1', some())) count += 1;
      return count;
    };
    if (isRefused) await expect(read()).rejects.toMatchObject(REFUSED);
    else expect(await read()).toBe(pages);
  });

  test('does not count an answer that is never read', async () => {
    const limit = new ConcurrencyLimit({ perProject: 1, inAll: 1 });
    limit.limitLongAnswer('p1', numbers());
    await begin(limit, 'p1');
  });
});

describe('complex queries at once', () => {
  let db: Database;
  let api: TestApi;
  let open: () => void;
  let gate: Promise<void>;
  /** True: answers that begin now send empty pages until the test ends. */
  let isEndless: boolean;
  let isOver: boolean;
  /** Answers whose second page was asked for. */
  let begun = 0;

  /** An answer that begins at once and ends when the gate opens. */
  async function* gated(): AsyncIterable<never[]> {
    const goesOn = isEndless;
    yield [];
    begun += 1;
    await gate;
    while (goesOn && !isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      yield [];
    }
  }

  beforeAll(async () => {
    db = await anyDatabase();
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

  /** Resolves once the answer has begun. Nothing is sent before its first row. */
  async function begin(as: Readonly<Record<string, string>>): Promise<{ leave: () => void }> {
    const before = begun;
    const headers = { ...as, 'content-type': 'application/json' };
    const request = httpRequest(`${api.url}/v2/query/alarms`, { method: 'POST', headers });
    request.on('error', () => undefined);
    request.end('{}');
    await eventually(() => expect(begun).toBe(before + 1));
    return { leave: () => request.destroy() };
  }

  const ask = async (as: Readonly<Record<string, string>>, path = 'alarms'): Promise<number> =>
    (await api.ask('POST', `/v2/query/${path}`, { as, body: {} })).status;

  /** Asks for an answer of more than one page. */
  async function askLong(as: Readonly<Record<string, string>>): Promise<number> {
    const before = begun;
    gate = new Promise((resolve) => (open = resolve));
    const asked = ask(as);
    await eventually(() => expect(begun).toBe(before + 1));
    // An answer that ends within the turn of the event loop in which its second page is asked for is a short one.
    await new Promise((resolve) => setImmediate(resolve));
    open();
    return asked;
  }

  test('beyond two of a project or four in all are refused with 429 and Retry-After', async () => {
    await begin(MEMBER);
    await begin(MEMBER);
    const refused = await api.ask('POST', '/v2/query/alarms/history', { as: MEMBER, body: {} });
    expect([refused.status, refused.headers['retry-after'], refused.fault]).toEqual([
      429,
      '5',
      'Too many complex queries at once: wait until one of them has ended',
    ]);
    await begin(STRANGER);
    await begin(ADMIN);
    expect(await ask(STRANGER)).toBe(429);
    open();
    expect(await ask(MEMBER)).toBe(200);
  });

  test('end when their client has left, even if there is nothing to send', async () => {
    isEndless = true;
    open();
    const clients = [await begin(MEMBER), await begin(MEMBER)];
    isEndless = false;
    expect(await askLong(MEMBER)).toBe(429);
    for (const client of clients) client.leave();
    await eventually(async () => expect(await askLong(MEMBER)).toBe(200));
  });
});

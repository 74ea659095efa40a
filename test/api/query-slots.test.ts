import { once } from 'node:events';
import { request as httpRequest } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { QuerySlots } from '../../src/api/query-slots.js';
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
  const begin = async (slots: QuerySlots, projectId: string | null): Promise<AsyncIterator<number>> => {
    const pages = slots.during(projectId, numbers())[Symbol.asyncIterator]();
    await pages.next();
    return pages;
  };

  test('are counted for each project, and for all together', async () => {
    const slots = new QuerySlots({ perProject: 2, inAll: 4 });
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
    const slots = new QuerySlots({ perProject: 1, inAll: 1 });
    const pages = await begin(slots, 'p1');
    await expect(begin(slots, 'p2')).rejects.toMatchObject(REFUSED);
    await end(pages);
    await begin(slots, 'p1');
    await expect(begin(slots, 'p2')).rejects.toMatchObject(REFUSED);
  });

  test('are free again when the pages fail', async () => {
    const slots = new QuerySlots({ perProject: 1, inAll: 1 });
    const pages = slots.during('p1', failing())[Symbol.asyncIterator]();
    await pages.next();
    await expect(pages.next()).rejects.toThrow('the database went away');
    await begin(slots, 'p1');
  });

  test('are not taken by answers that nobody begins to read', async () => {
    const slots = new QuerySlots({ perProject: 1, inAll: 1 });
    slots.during('p1', numbers());
    await begin(slots, 'p1');
  });
});

describe('queries at once', () => {
  let db: Database;
  let api: TestApi;
  let open: () => void;
  let gate: Promise<void>;

  /** Answers that begin, and end when the gate is open. */
  async function* gated(): AsyncIterable<never[]> {
    yield [];
    await gate;
    yield [];
  }

  beforeAll(async () => {
    db = await embeddedDatabase();
    api = await startApi(db, { queries: { alarms: gated, history: gated } });
  });
  beforeEach(() => {
    gate = new Promise((resolve) => (open = resolve));
  });
  afterEach(() => open());
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  /** Resolves once the answer has begun. */
  async function begin(as: Readonly<Record<string, string>>): Promise<{ leave: () => void }> {
    const headers = { ...as, 'content-type': 'application/json' };
    const request = httpRequest(`${api.url}/v2/query/alarms`, { method: 'POST', headers });
    request.on('error', () => undefined);
    request.end('{}');
    await once(request, 'response');
    return { leave: () => request.destroy() };
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
    await eventually(async () => expect(await ask(MEMBER)).toBe(200));
  });

  test('are over when their client has gone', async () => {
    const clients = [await begin(MEMBER), await begin(MEMBER)];
    for (const client of clients) client.leave();
    open();
    await eventually(async () => expect(await ask(MEMBER)).toBe(200));
    await eventually(async () => expect([await ask(MEMBER), await ask(MEMBER, 'alarms/history')]).toEqual([200, 200]));
  });
});

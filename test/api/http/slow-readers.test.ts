import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

import type { HistoryEntry } from '../../../src/storage/alarms/history-row.js';
import type { Database } from '../../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../../support/api.js';
import { anyDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';

const MIB = 1024 * 1024;
const SECOND = 1_000;
const ENTRY: HistoryEntry = {
  eventId: 'e',
  alarmId: 'a',
  type: 'creation',
  detail: 'x'.repeat(MIB),
  projectId: 'p1',
  userId: 'u1',
  onBehalfOf: 'p1',
  severity: 'low',
  timestamp: new Date('2026-01-01T00:00:00Z'),
  stateVersion: null,
  previousState: null,
};

let db: Database;
let api: TestApi;
let pagesRead: number;

/** More than the buffers between server and client hold. */
const PAGES = 50;

async function* pages(): AsyncIterable<HistoryEntry[]> {
  for (let page = 0; page < PAGES; page += 1) {
    yield await Promise.resolve([ENTRY]);
    pagesRead += 1;
  }
}

async function* noPages(): AsyncIterable<never[]> {
  yield await Promise.resolve([]);
}

beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  pagesRead = 0;
  api = await startApi(db, { queries: { alarms: noPages, history: pages } });
});
afterEach(async () => {
  await api.close();
});
afterAll(() => db.close());

/** The beginning of an endless answer. */
async function begin(): Promise<IncomingMessage> {
  const headers = { ...MEMBER, 'content-type': 'application/json' };
  const request = httpRequest(`${api.url}/v2/query/alarms/history`, { method: 'POST', headers });
  request.on('error', () => undefined);
  request.end('{}');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

/** Resolves when the server waits for its reader: no further page is wanted for a while. */
async function untilItWaits(): Promise<void> {
  await eventually(async () => expect(api.clock.sleeping).toBeGreaterThan(0));
}

test('a client that does not read its answer is disconnected, and others get its permits', async () => {
  const clients = [await begin(), await begin()];
  await untilItWaits();
  expect((await begin()).statusCode).toBe(429);
  expect(pagesRead).toBeLessThan(PAGES);
  await eventually(async () => {
    await api.clock.advance(60 * SECOND);
    expect((await begin()).statusCode).toBe(200);
  });
  for (const client of clients) {
    client.resume();
    await eventually(async () => expect(client.closed).toBe(true));
    expect(client.complete).toBe(false);
  }
});

test('a client that reads its answer at once gets all of it', async () => {
  const client = await begin();
  client.resume();
  await once(client, 'end');
  expect(client.complete).toBe(true);
});

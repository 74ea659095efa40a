import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { bodyOf, createTocsinClient, RequestRefused, type TocsinClient } from '../../src/client/tocsin-client.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { startReceiver } from '../support/receiver-server.js';

let db: Database;
let api: TestApi;
let tocsin: TocsinClient;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
  tocsin = createTocsinClient({ baseUrl: api.url, headers: MEMBER });
});
beforeEach(() => empty(db));
afterAll(() => api.close().then(() => db.close()));

function created(name: string): Promise<{ alarm_id: string }> {
  const threshold_rule = { meter_name: 'cpu', threshold: 80 };
  return bodyOf(tocsin.POST('/v2/alarms', { body: { name, type: 'threshold', threshold_rule } }));
}

test('an alarm is created, found by two conditions, and deleted', async () => {
  const { alarm_id } = await created('a');
  await created('b');
  const query = { 'q.field': ['name', 'type'], 'q.value': ['a', 'threshold'] };
  const [alarm, ...others] = await bodyOf(tocsin.GET('/v2/alarms', { params: { query } }));
  expect([alarm?.alarm_id, alarm?.project_id, others]).toEqual([alarm_id, 'p1', []]);

  const path = { id: alarm_id };
  expect(await bodyOf(tocsin.DELETE('/v2/alarms/{id}', { params: { path } }))).toBeUndefined();
  const history = await bodyOf(tocsin.GET('/v2/alarms/{id}/history', { params: { path } }));
  expect(history.map(({ type }) => type).sort()).toEqual(['creation', 'deletion']);
});

test('a list is sorted by the keys in their order', async () => {
  for (const name of ['b', 'a', 'c']) await created(name);
  const alarms = await bodyOf(tocsin.GET('/v2/alarms', { params: { query: { sort: ['name:desc'], limit: 2 } } }));
  expect(alarms.map(({ name }) => name)).toEqual(['c', 'b']);
});

test('a name with a slash is one segment of the path', async () => {
  const params = { path: { meter: 'disk/read ops' } };
  const body = [{ counter_type: 'gauge' as const, counter_unit: 'B', counter_volume: 1, resource_id: 'r' }];
  await bodyOf(tocsin.POST('/v2/meters/{meter}', { params, body }));
  const samples = await bodyOf(tocsin.GET('/v2/meters/{meter}', { params }));
  expect(samples.map(({ counter_name }) => counter_name)).toEqual(['disk/read ops']);
});

test('a refused request throws the status and the reason of the service', async () => {
  const asked = bodyOf(tocsin.GET('/v2/alarms/{id}', { params: { path: { id: 'none' } } }));
  await expect(asked).rejects.toThrow(new RequestRefused(404, 'Alarm none not found'));
});

test('a refused request throws the text of an answer that is not from the service', async () => {
  const proxy = await startReceiver((_, response) => void response.writeHead(502).end('<h1>Bad gateway</h1>'));
  const asked = bodyOf(createTocsinClient({ baseUrl: proxy.url }).GET('/v2/alarms'));
  await expect(asked).rejects.toThrow(new RequestRefused(502, '<h1>Bad gateway</h1>'));
  await proxy.close();
});

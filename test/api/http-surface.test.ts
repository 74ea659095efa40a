import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { rawRequest, sendRaw } from '../support/raw-http.js';

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const HOST = 'Host: localhost';
const JSON_TYPE = 'Content-Type: application/json';

test.each([
  ['GET', '/v2/alarms', 200],
  ['GET', '/livez', 200],
  ['GET', '/nothing', 404],
  ['POST', '/v2/alarms', 400],
  ['BREW', '/v2/alarms', 400],
])('%s %s is answered with headers that protect browsers, and without the name of the server', async (...row) => {
  const [method, path, status] = row;
  if (method === 'BREW') {
    expect((await sendRaw(api.url, rawRequest(method, path))).status).toBe(status);
    return;
  }
  const answer = await api.ask(method, path);
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
  });
  for (const name of ['x-powered-by', 'server', 'access-control-allow-origin'])
    expect(answer.headers[name]).toBeUndefined();
});

test.each(['TRACE', 'PATCH', 'PROPFIND', 'REPORT'])('the method %s is not allowed', async (method) => {
  const answer = await sendRaw(api.url, rawRequest(method, '/v2/alarms', [HOST, 'X-Secret: do-not-echo']));
  expect(answer.status).toBe(405);
  expect(answer.text).not.toContain('do-not-echo');
});

test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])(
  'a header %s does not change the method',
  async (header) => {
    const id = await api.create(thresholdBody());
    const sent = rawRequest('GET', `/v2/alarms/${id}`, [HOST, `${header}: DELETE`]);
    expect((await sendRaw(api.url, sent)).status).toBe(200);
    expect((await api.ask('GET', `/v2/alarms/${id}`)).status).toBe(200);
  },
);

test.each<[what: string, headers: string[]]>([
  ['two different lengths', ['Content-Length: 2', 'Content-Length: 3']],
  ['a list of lengths', ['Content-Length: 2, 3']],
  ['a length that is no number', ['Content-Length: +2']],
  ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
  ['chunks that are not last', ['Transfer-Encoding: chunked, identity']],
  ['an unknown encoding', ['Transfer-Encoding: xchunked']],
  ['a folded header', ['X-A: b', ' Transfer-Encoding: chunked']],
  ['a blank before a colon', ['Transfer-Encoding : chunked']],
])('a request with %s is refused with 400', async (_, headers) => {
  const answer = await sendRaw(api.url, `${rawRequest('POST', '/v2/alarms', [HOST, JSON_TYPE, ...headers])}{}`);
  expect(answer.status).toBe(400);
});

test('each answer has a request id of its own, also if the client sends one', async () => {
  const own = 'req-00000000-0000-4000-8000-000000000000';
  const ids: unknown[] = [];
  for (const path of ['/v2/alarms', '/livez', '/nothing']) {
    const { headers } = await api.ask('GET', path, { headers: { 'x-openstack-request-id': own } });
    expect(headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
    ids.push(headers['x-openstack-request-id']);
  }
  expect(new Set([...ids, own]).size).toBe(4);
});

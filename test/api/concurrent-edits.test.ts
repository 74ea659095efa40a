import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, startApi, thresholdBody, type Answered, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

interface Write {
  what: string;
  method: string;
  path: string;
  body?: unknown;
  ok: number;
}

const WRITES: Write[] = [
  { what: 'a replacement', method: 'PUT', path: '', body: thresholdBody({ severity: 'critical' }), ok: 200 },
  { what: 'a state set by hand', method: 'PUT', path: '/state', body: 'ok', ok: 200 },
  { what: 'a deletion', method: 'DELETE', path: '', ok: 204 },
];

async function anAlarm(): Promise<{ url: string; etag: string }> {
  const answer = await api.ask('POST', '/v2/alarms', { body: thresholdBody() });
  return { url: `/v2/alarms/${answer.json<{ alarm_id: string }>().alarm_id}`, etag: answer.headers.etag ?? '' };
}

function write(url: string, { method, path, body }: Write, ifMatch: string): Promise<Answered> {
  return api.ask(method, url + path, { as: ADMIN, body, headers: { 'if-match': ifMatch } });
}

describe.each(WRITES)('$what', (row) => {
  test('goes through with the version that was read', async () => {
    const { url, etag } = await anAlarm();
    expect((await api.ask('GET', url)).headers.etag).toBe(etag);
    expect((await write(url, row, etag)).status).toBe(row.ok);
  });

  test.each(['*', ' "0-0" , {etag}'])('goes through with If-Match: %s', async (ifMatch) => {
    const { url, etag } = await anAlarm();
    expect((await write(url, row, ifMatch.replace('{etag}', etag))).status).toBe(row.ok);
  });

  test.each([
    { meanwhile: 'edited', path: '', body: thresholdBody({ name: 'other' }) },
    { meanwhile: 'set to another state', path: '/state', body: 'alarm' },
  ])('is refused when the alarm was $meanwhile meanwhile, and changes nothing', async ({ path, body }) => {
    const { url, etag } = await anAlarm();
    await api.ask('PUT', url + path, { body });
    const before = (await api.ask('GET', url)).text;
    const answer = await write(url, row, etag);
    expect([answer.status, answer.fault]).toEqual([
      412,
      expect.stringContaining(`If-Match is ${etag}, the alarm is at "`),
    ]);
    expect((await api.ask('GET', url)).text).toBe(before);
  });
});

test('of ten edits with the same version one goes through', async () => {
  const { url, etag } = await anAlarm();
  const edits = Array.from({ length: 10 }, (_, index) => thresholdBody({ name: `edit ${index}` }));
  const answers = await Promise.all(edits.map((body) => api.ask('PUT', url, { body, headers: { 'if-match': etag } })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
});

test('without If-Match the last edit wins, as in Aodh', async () => {
  const { url } = await anAlarm();
  for (const name of ['one', 'two'])
    expect((await api.ask('PUT', url, { body: thresholdBody({ name }) })).status).toBe(200);
  expect((await api.ask('GET', url)).json()).toMatchObject({ name: 'two' });
});

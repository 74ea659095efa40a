import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

const DAY_MS = 24 * 3_600_000;
/** A week before the clock of the API, which shows 2026-01-01T12:00:00Z. */
const KEPT_SINCE = '2025-12-25T12:00:00Z';

let db: Database;
let keepsWeek: TestApi;
let keepsAll: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  keepsWeek = await startApi(db, { historyKeptMs: 7 * DAY_MS });
  keepsAll = await startApi(db);
});
afterAll(async () => {
  await keepsWeek.close();
  await keepsAll.close();
  await db.close();
});

test.each([
  { what: 'an explanation', path: 'v2/alarms/ID/explain?at=', name: 'at' },
  { what: 'values', path: 'v1/alarms/ID/values?step=600&stop=2025-12-25T13:00:00Z&start=', name: 'start' },
])('$what of a time before the history that is kept is refused', async ({ path, name }) => {
  const id = await keepsWeek.create(thresholdBody(), MEMBER);
  const ask = (api: TestApi, time: string) => api.ask('GET', `/${path.replace('ID', id)}${time}`, { as: MEMBER });
  const refused = await ask(keepsWeek, '2025-12-25T11:59:59Z');
  expect([refused.status, refused.fault]).toEqual([
    400,
    `Invalid input for field/attribute ${name}. Value: '2025-12-25T11:59:59Z'. States of that time are unknown: ` +
      `history is kept since ${KEPT_SINCE} (history.keep_for).`,
  ]);
  expect((await ask(keepsWeek, KEPT_SINCE)).status).toBe(200);
  expect((await ask(keepsAll, '2025-12-25T11:59:59Z')).status).toBe(200);
});

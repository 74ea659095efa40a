import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { A_BODY, storeNotification } from '../support/stored-notifications.js';

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

async function listed(): Promise<Record<string, unknown>> {
  const answer = await api.ask('GET', '/v1/notifications', { as: MEMBER });
  expect(answer.status).toBe(200);
  return answer.json<Record<string, unknown>[]>()[0] ?? {};
}

test.each<{ attempts: (number | null)[]; status: number | null }>([
  { attempts: [], status: null },
  { attempts: [503], status: 503 },
  { attempts: [503, 403], status: 403 },
  { attempts: [503, null], status: null },
])(
  'a notification after attempts answered $attempts is listed with alarm, host, attempt and status $status',
  async (given) => {
    const { attempts, status } = given;
    await storeNotification(db, { id: 'n1', projectId: 'p1', host: 'receiver:8080', attempt: attempts.length });
    for (const [index, httpStatus] of attempts.entries()) {
      await db.query(
        `insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status) values ('n1',
          $1, now(), 1, 'retry', $2)`,
        [index + 1, httpStatus],
      );
    }
    expect(await listed()).toMatchObject({
      alarm_id: 'a',
      alarm_name: 'cpu höher',
      host: 'receiver:8080',
      attempts: attempts.length,
      last_http_status: status,
    });
  },
);

test.each([
  ['with quotes', 'a "b" \\ c'],
  ['that is empty', ''],
])('the name of an alarm %s is listed as it is', async (_, name) => {
  const body = A_BODY.replace('cpu h\\u00f6her', JSON.stringify(name).slice(1, -1));
  await storeNotification(db, { id: 'n1', projectId: 'p1', body });
  expect((await listed())['alarm_name']).toBe(name);
});

test.each([
  ['https://u:word@hooks.slack.com/services/T0/B0/word?x=word#word', 'https://hooks.slack.com/services/***?x=***'],
  ['https://discord.com/api/webhooks/1/word', 'https://discord.com/api/webhooks/***'],
  ['https://chat.example.org/hooks/word', 'https://chat.example.org/hooks/***'],
])('the secrets of %s are not listed', async (action, shown) => {
  await storeNotification(db, { id: 'n1', projectId: 'p1', action });
  const answer = await listed();
  expect(answer['action']).toBe(shown);
  expect(JSON.stringify(answer)).not.toContain('word');
});

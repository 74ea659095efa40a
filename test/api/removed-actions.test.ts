import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { storeNotification } from '../support/stored-notifications.js';

const HOOK = 'http://receiver.example/hook';
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

async function alarmWith(status: string, action: string): Promise<string> {
  const id = await api.create(thresholdBody({ alarm_actions: [action] }), MEMBER);
  const ended = status === 'dead' ? { finishedAt: new Date(NOON.getTime() - 1) } : {};
  const row = { id: 'n', alarmId: id, projectId: 'p1', status, action, actionList: 'alarm_actions', ...ended };
  await storeNotification(db, row);
  return id;
}

function edit(id: string, fields: Record<string, unknown>) {
  return api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody(fields) });
}

async function listed(): Promise<unknown> {
  return (await api.ask('GET', '/v1/notifications', { as: MEMBER })).json<unknown[]>()[0];
}

test('a PUT without the action cancels its waiting notifications, and the list gives the reason', async () => {
  const id = await alarmWith('pending', HOOK);
  expect((await edit(id, { ok_actions: [HOOK] })).status).toBe(200);
  expect(await listed()).toMatchObject({ status: 'cancelled', last_error: 'action removed from the alarm' });
});

test('a PUT with the actions as they were read cancels no notification', async () => {
  const id = await alarmWith('pending', 'HTTP://receiver.example');
  const read = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json<{ alarm_actions: string[] }>();
  expect((await edit(id, { alarm_actions: read.alarm_actions })).status).toBe(200);
  expect(await listed()).toMatchObject({ status: 'pending' });
});

test(
  'a notification whose action was removed is not replayed, alone ' + 'or with others, until the action is added again',
  async () => {
    const id = await alarmWith('dead', HOOK);
    await edit(id, { alarm_actions: [] });
    const refusal = await api.ask('POST', '/v1/notifications/n/replay', { as: MEMBER });
    expect(refusal.status).toBe(409);
    expect(refusal.fault).toBe(
      'Notification n is for an action that was removed from its alarm: add the action again to replay it',
    );
    expect((await api.ask('POST', '/v1/notifications/replay', { as: MEMBER })).json()).toMatchObject({ replayed: 0 });
    await edit(id, { alarm_actions: [HOOK] });
    expect((await api.ask('POST', '/v1/notifications/n/replay', { as: MEMBER })).json()).toMatchObject({ replayed: 1 });
  },
);

import { afterEach, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';

import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWith, freshPostgresUrl, redisUrl } from '../support/servers.js';
import { freePort, startService } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function start(settings: Record<string, string>): Promise<string> {
  const port = await freePort();
  const service = startService({ MANAGEMENT_PORT: String(port), ...settings });
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (!service.isRunning()) throw new Error(service.log());
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
  return url;
}

async function ask<T>(method: string, url: string, body: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBeLessThan(300);
  return (await answer.json()) as T;
}

/** An alarm fires, is set back and fires again; its receiver hears of both. */
async function firesTwice(api: string): Promise<void> {
  const receiver = await startReceiver();
  undo.push(() => receiver.close());
  const { alarm_id } = await ask<{ alarm_id: string }>('POST', `${api}/v2/alarms`, {
    name: 'failed',
    type: 'event',
    event_rule: { event_type: 'compute.*', query: [{ field: 'traits.state', type: '', op: 'eq', value: 'error' }] },
    alarm_actions: [`${receiver.url}/heal`],
  });
  const event = (message_id: string): Record<string, unknown> => ({
    message_id,
    event_type: 'compute.instance.update',
    traits: [['project_id', 1, 'default'], ['state', 1, 'error']], // prettier-ignore
  });
  const heard = async (count: number): Promise<unknown> => {
    await eventually(() => expect(receiver.requests.length).toBe(count));
    return JSON.parse(receiver.requests[count - 1]?.body ?? '');
  };
  const query = '[{"field": "traits.state", "op": "eq", "type": "", "value": "error"}]';
  const call = (id: string, previous: string): object => ({
    alarm_name: 'failed',
    alarm_id,
    severity: 'low',
    previous,
    current: 'alarm',
    reason: `Event <id=${id},event_type=compute.instance.update> hits the query <query=${query}>.`,
    reason_data: { type: 'event', event: event(id) },
  });

  expect(await ask('POST', `${api}/v2/events`, event('m1'))).toMatchObject({
    received: 1,
    duplicates: 0,
    alarms_fired: 1,
  });
  expect(await heard(1)).toEqual(call('m1', 'insufficient data'));
  await ask('PUT', `${api}/v2/alarms/${alarm_id}/state`, 'ok');
  expect(await ask('POST', `${api}/v2/events`, [event('m1'), event('m2')])).toMatchObject({
    received: 2,
    duplicates: 1,
    alarms_fired: 1,
  });
  expect(await heard(2)).toEqual(call('m2', 'ok'));
}

test('one process on the embedded database fires an event alarm and calls its webhook', async () => {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  await start({ DATABASE_DATA_DIR: dir, API_PORT: String(port) });
  await firesTwice(`http://127.0.0.1:${port}`);
});

describeWith(['postgres', 'redis'], 'an event alarm in processes of one role each', () => {
  test('is fired by the API, which wakes the notifier of another process, without any evaluator', async () => {
    const port = await freePort();
    const shared = {
      DATABASE_URL: await freshPostgresUrl(),
      REDIS_URL: redisUrl(),
      REDIS_PREFIX: `t${process.pid}`,
      API_PORT: String(port),
      // Only the waker can be in time.
      NOTIFIER_SWEEP_EVERY: '10m',
    };
    await start({ ...shared, ROLES: 'api' });
    await start({ ...shared, ROLES: 'notifier' });
    await firesTwice(`http://127.0.0.1:${port}`);
  });
});

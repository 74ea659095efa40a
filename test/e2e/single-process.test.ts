import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';

import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWith, freshPostgresUrl, startRedis } from '../support/servers.js';
import { freePort, startService, startTocsin, type ServiceProcess } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function dataDir(): string {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function serve(dir: string, settings: Record<string, string> = {}): Promise<ServiceProcess & { url: string }> {
  const port = await freePort();
  const service = startService({
    DATABASE_DATA_DIR: dir,
    API_PORT: String(port),
    EVALUATOR_INTERVAL: '1s',
    ...settings,
  });
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (!service.isRunning()) throw new Error(service.log());
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
  return { ...service, url };
}

async function send(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  return response.json();
}

const RULE = { meter_name: 'cpu', comparison_operator: 'gt', threshold: 80 };
const SAMPLE = {
  counter_name: 'cpu',
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 95,
  resource_id: 'web-1',
};

async function exitOf(service: ServiceProcess): Promise<string> {
  await eventually(async () => expect(service.isRunning()).toBe(false));
  expect(await service.stop()).toBe(1);
  return service.log();
}

describe('one process on the embedded default', () => {
  test('calls a webhook when a threshold is crossed, and keeps its data through a stop and a kill', async () => {
    const dir = dataDir();
    const receiver = await startReceiver();
    undo.push(() => receiver.close());
    const first = await serve(dir);
    await send(`${first.url}/v2/alarms`, {
      name: 'high',
      type: 'threshold',
      threshold_rule: RULE,
      alarm_actions: [`${receiver.url}/up`],
    });
    await send(`${first.url}/v2/meters/cpu`, [SAMPLE]);
    await eventually(async () => expect(receiver.requests.length).toBe(1));
    expect(JSON.parse(receiver.requests[0]!.body)).toMatchObject({
      alarm_name: 'high',
      previous: 'insufficient data',
      current: 'alarm',
    });
    expect(await first.stop()).toBe(0);

    const second = await serve(dir);
    await send(`${second.url}/v2/alarms`, { name: 'other', type: 'threshold', threshold_rule: RULE });
    await second.kill();

    const third = await serve(dir);
    const alarms = (await (await fetch(`${third.url}/v2/alarms`)).json()) as { name: string; state: string }[];
    expect(alarms.map(({ name }) => name).sort()).toEqual(['high', 'other']);
    expect(alarms.find(({ name }) => name === 'high')?.state).toBe('alarm');
    expect(await third.stop()).toBe(0);
    expect(receiver.requests.length).toBe(1);
  });

  test('refuses a second process on the same data, and goes on itself', async () => {
    const dir = dataDir();
    const first = await serve(dir);
    const second = startService({ DATABASE_DATA_DIR: dir, API_PORT: String(await freePort()) });
    expect(await exitOf(second)).toMatch(
      /^tocsin: database\.data_dir: .* is in use by another Tocsin process \(pid \d+\)\n$/m,
    );
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  test('says in one line that its port is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    undo.push(() => server.close());
    const { port } = server.address() as { port: number };
    const service = startService({ DATABASE_DATA_DIR: dataDir(), API_PORT: String(port), LOG_LEVEL: 'error' });
    expect(await exitOf(service)).toBe(`tocsin: api.port: ${port} is in use on 127.0.0.1\n`);
  });

  test('says in one line that its data directory cannot be written', async () => {
    const service = startService({ DATABASE_DATA_DIR: '/dev/null/data', API_PORT: '0' });
    expect(await exitOf(service)).toMatch(/^tocsin: database\.data_dir: cannot write to \/dev\/null\/data: .*\n$/);
  });

  test('refuses to listen on a public address without authentication', async () => {
    const service = startTocsin(['serve', '--set', 'api.host=0.0.0.0', '--data-dir', dataDir(), '--port', '0']);
    expect(await exitOf(service)).toMatch(/api\.host/);
  });

  test('stops in bounded time and with code 0 while a receiver hangs', async () => {
    const receiver = await startReceiver(() => undefined);
    undo.push(() => receiver.close());
    const service = await serve(dataDir(), { NOTIFIER_ATTEMPT_TIMEOUT: '2s', NOTIFIER_CONNECT_TIMEOUT: '1s' });
    await send(`${service.url}/v2/alarms`, {
      name: 'high',
      type: 'threshold',
      threshold_rule: RULE,
      alarm_actions: [receiver.url],
    });
    await send(`${service.url}/v2/meters/cpu`, [SAMPLE]);
    // More than one if this process is slower than the attempts.
    await eventually(() => expect(receiver.requests).not.toEqual([]));
    expect(await service.stop()).toBe(0);
  });
});

describeWith(['postgres', 'redis'], 'one process on PostgreSQL and Redis', () => {
  test('refuses a Redis that may evict queued jobs', async () => {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    client.disconnect();
    const service = startService({
      DATABASE_URL: await freshPostgresUrl(),
      REDIS_URL: redis.url,
      API_PORT: '0',
      LOG_LEVEL: 'error',
    });
    expect(await exitOf(service)).toBe(
      'tocsin: redis.url: Redis has maxmemory-policy allkeys-lru; Tocsin needs noeviction, or queued work can vanish\n',
    );
  });

  test('starts, evaluates and delivers while Redis cannot be reached', async () => {
    const receiver = await startReceiver();
    undo.push(() => receiver.close());
    const nobody = await freePort();
    const service = await serve(dataDir(), {
      DATABASE_URL: await freshPostgresUrl(),
      REDIS_URL: `redis://127.0.0.1:${nobody}`,
      NOTIFIER_SWEEP_EVERY: '500ms',
    });
    await send(`${service.url}/v2/alarms`, {
      name: 'high',
      type: 'threshold',
      threshold_rule: RULE,
      alarm_actions: [receiver.url],
    });
    await send(`${service.url}/v2/meters/cpu`, [SAMPLE]);
    await eventually(async () => expect(receiver.requests.length).toBe(1));
    expect(await service.stop()).toBe(0);
  });
});

test('a service that cannot reach PostgreSQL prints one line and exits with code 1', async () => {
  const service = startService({ DATABASE_URL: `postgres://u:secret@127.0.0.1:${await freePort()}/d`, API_PORT: '0' });
  const log = await exitOf(service);
  expect(log).toMatch(/^tocsin: database\.url: cannot connect to PostgreSQL: .*\n$/);
  expect(log).not.toContain('secret');
});

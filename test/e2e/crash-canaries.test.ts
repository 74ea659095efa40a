import { afterEach, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';

import { ask } from '../support/api.js';
import { canary, hits, type Secrets } from '../support/canaries.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver-server.js';
import { freePort, startService, startTocsin } from '../support/service-process.js';

const CRASH_ON_SIGNAL = new URL('../support/crash-on-signal.js', import.meta.url).href;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Makes an API key on the command line, before the service runs. */
async function makeKey(settings: Record<string, string>): Promise<string> {
  const made = startTocsin(['apikey', 'create', '--project', 'p', '--role', 'member'], settings);
  undo.push(() => made.kill());
  await eventually(() => expect(made.isRunning()).toBe(false));
  return /ak_\S+/.exec(made.log())![0];
}

test.each([
  ['an uncaught exception', 'SIGUSR2', 'uncaught exception'],
  ['an unhandled rejection', 'SIGWINCH', 'unhandled rejection'],
] as const)('%s while requests are in flight prints no secret of them', async (_, signal, message) => {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  const settings = {
    DATABASE_DATA_DIR: dir,
    API_PORT: String(port),
    AUTH_MODE: 'apikey',
    EGRESS_ALLOW_LOOPBACK_RECEIVERS: 'true',
    LOG_LEVEL: 'debug',
  };
  const names = ['user', 'password', 'query', 'path', 'a token', 'a body'];
  const secrets: Secrets = Object.fromEntries(names.map((name) => [name, canary()]));
  const key = await makeKey(settings);
  secrets['an API key'] = key;
  const receiver = await startReceiver(() => undefined); // never answers
  undo.push(() => receiver.close());

  const service = startService(settings, ['--import', CRASH_ON_SIGNAL]);
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  const as = { 'x-api-key': key };
  const at = receiver.url.replace('http://', `http://${secrets['user']}:${secrets['password']}@`);
  const hook = `${at}/hooks/${secrets['path']}?k=${secrets['query']}`;
  const alarm = { name: 'on boot', type: 'event', event_rule: { event_type: 'boot' }, alarm_actions: [hook] };
  expect((await ask('POST', `${url}/v2/alarms`, { as, body: alarm })).status).toBe(201);
  const event = {
    message_id: 'm',
    event_type: 'boot',
    traits: [['project_id', 1, 'p']],
    generated: '2026-01-01T12:00:00',
  };
  const fired = await ask('POST', `${url}/v2/events`, { as, body: [event] });
  expect(fired.json()).toMatchObject({ alarms_fired: 1 });

  const client = connect(port, '127.0.0.1');
  undo.push(() => client.destroy());
  let answer = '';
  client.on('error', () => undefined).on('data', (chunk) => (answer += chunk.toString()));
  const body = `{"name": "${secrets['a body']}", "alarm_actions": ["${hook}"`;
  const head = [
    `POST /v2/alarms?token=${secrets['query']} HTTP/1.1`,
    'Host: tocsin',
    `X-API-Key: ${key}`,
    `X-Auth-Token: ${secrets['a token']}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length + 100}`, // more than comes
    'Expect: 100-continue',
  ];
  client.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await eventually(() => expect(answer).toContain('100 Continue'));
  await eventually(() => expect(receiver.requests).toHaveLength(1));
  process.kill(service.pid, signal);
  await eventually(() => expect(service.isRunning()).toBe(false));

  expect(await service.stop()).toBe(1);
  const last = service.log().trim().split('\n').at(-1)!;
  expect(JSON.parse(last)).toMatchObject({
    level: 'error',
    message,
    err: { message: expect.stringContaining('failed on purpose with 2 requests in flight, of') },
  });
  expect(hits({ 'the output': service.log() }, secrets)).toEqual([]);
});

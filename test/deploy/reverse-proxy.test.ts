import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { rmSync } from 'node:fs';

import { makeCertificates } from '../support/certificates.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { freePort, startService, startTocsin } from '../support/service-process.js';
import {
  askThrough,
  openThrough,
  OUTSIDE,
  startReverseProxy,
  type Passed,
  type ReverseProxy,
} from './reverse-proxy.js';

const MIB = 1024 * 1024;
const ALARM = JSON.stringify({ name: 'a', type: 'threshold', threshold_rule: { meter_name: 'cpu', threshold: 80 } });
const JSON_BODY = { 'content-type': 'application/json' };
const certificate = makeCertificates().server;

/** Headers that a client may not set. */
const FORGED = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  forwarded: 'for=203.0.113.9;host=evil.example;proto=http',
  'x-user-id': 'mallory',
  'x-project-id': 'victim',
  'x-roles': 'admin',
  'openstack-system-scope': 'all',
};

const undo: (() => unknown)[] = [];
let service: { url: string; key: string };
let double: Receiver;

async function startServiceWithKey(): Promise<typeof service> {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const made = startTocsin(['apikey', 'create', '--project', 'demo', '--data-dir', dir]);
  await eventually(() => expect(made.isRunning()).toBe(false));
  const key = /ak_[a-z2-7]+_[\w-]+/.exec(made.log())?.[0];
  if (key === undefined) throw new Error(made.log());
  const port = String(await freePort());
  const settings = { AUTH_MODE: 'apikey', API_TRUSTED_PROXIES: '127.0.0.1', LOG_LEVEL: 'warn' };
  const running = startService({ ...settings, DATABASE_DATA_DIR: dir, API_PORT: port });
  undo.push(() => running.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (!running.isRunning()) throw new Error(running.log());
    expect((await fetch(`${url}/v2/alarms`, { headers: { 'x-api-key': key } })).status).toBe(200);
  });
  return { url, key };
}

beforeAll(async () => {
  service = await startServiceWithKey();
  double = await startReceiver(({ target }, response) => {
    if (target === '/stream') response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    else response.writeHead(target === '/readyz' ? 200 : 204).end();
  });
  undo.push(() => double.close());
});
afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function proxyTo(kind: 'nginx' | 'haproxy', url: string): Promise<ReverseProxy> {
  const proxy = await startReverseProxy(kind, url, certificate);
  undo.push(() => proxy.stop());
  return proxy;
}

describe.each([
  { kind: 'nginx', client: '127.0.0.2' },
  { kind: 'haproxy', client: '127.0.0.3' },
] as const)('the example of $kind', ({ kind, client }) => {
  describeWith([kind], 'in front of the service', () => {
    let proxy: ReverseProxy;
    beforeAll(async () => {
      proxy = await proxyTo(kind, service.url);
    });

    const create = (headers: Record<string, string>): Promise<Passed> =>
      askThrough(proxy, {
        method: 'POST',
        path: '/v2/alarms',
        headers: { ...JSON_BODY, ...headers },
        body: ALARM,
        localAddress: client,
      });

    test('a created alarm has the outside address, and not one that the client states', async () => {
      const { status, headers, text } = await create({ ...FORGED, 'x-api-key': service.key });
      const { alarm_id, project_id } = JSON.parse(text) as Record<string, string>;
      expect([status, project_id]).toEqual([201, 'demo']);
      expect(headers.location).toBe(`https://${OUTSIDE}/v2/alarms/${alarm_id}`);
    });

    test('identity headers without a credential are refused', async () => {
      expect((await create(FORGED)).status).toBe(401);
    });

    test('failures count for the address of the client, and not for those that it states', async () => {
      const statuses: number[] = [];
      for (let failure = 0; failure < 12; failure += 1) {
        const claimed = `203.0.113.${failure}`;
        statuses.push((await create({ 'x-api-key': 'wrong', 'x-forwarded-for': claimed })).status);
      }
      expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
      const elsewhere = await askThrough(proxy, { path: '/v2/alarms', headers: { 'x-api-key': 'wrong' } });
      expect(elsewhere.status).toBe(401);
    });
  });

  describeWith([kind], 'in front of a double', () => {
    let proxy: ReverseProxy;
    beforeAll(async () => {
      proxy = await proxyTo(kind, double.url);
    });

    test('credentials pass, and headers that only the proxy may set are its own', async () => {
      const credentials = { authorization: 'Bearer a', 'x-api-key': 'b', 'x-auth-token': 'c', 'x-service-token': 'd' };
      await askThrough(proxy, { path: '/headers', headers: { ...FORGED, ...credentials }, localAddress: client });
      const seen = double.requests.findLast(({ target }) => target === '/headers')?.headers ?? {};
      expect(seen).toMatchObject({
        ...credentials,
        'x-forwarded-for': client,
        'x-forwarded-host': OUTSIDE,
        'x-forwarded-proto': 'https',
        host: OUTSIDE,
      });
      const own = ['x-forwarded-host', 'x-forwarded-proto'];
      expect(Object.keys(FORGED).filter((name) => name in seen)).toEqual(own);
    });

    test('an event reaches the client while the stream is open', async () => {
      const response = await openThrough(proxy, { path: '/stream' });
      const [chunk] = (await once(response, 'data')) as [Buffer];
      expect([chunk.toString(), response.complete]).toEqual(['data: 1\n\n', false]);
      response.destroy();
    });

    test('a body of 16 MiB passes', async () => {
      const body = Buffer.alloc(16 * MIB, 'a');
      expect((await askThrough(proxy, { method: 'POST', path: '/body', body })).status).toBe(204);
    });

    test('a longer body is refused before it is sent', async () => {
      const refused = await openThrough(proxy, { method: 'POST', path: '/body', unsentBytes: 16 * MIB + 1 });
      expect(refused.statusCode).toBe(413);
      refused.destroy();
    });
  });
});

import { expect, test } from '@jest/globals';

import { openEgress } from '../../src/app/egress.js';
import { parseConfig } from '../../src/config/parse.js';
import type { Logger } from '../../src/logger.js';
import { silentLogger } from '../../src/logger.js';
import { FakeClock } from '../support/fake-clock.js';

const clock = new FakeClock();
const WARNING = 'receivers in private networks are refused; egress.allow is the list of those that may be called';

async function judged(options: object, url: string): Promise<[verdict: string, warnings: string[]]> {
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
  const guard = await openEgress({ config: parseConfig(options), keystone: undefined, clock, log });
  const verdict = await (await guard.gateTo(new URL(url), 'p')).host();
  return [verdict.kind === 'blocked' ? verdict.refusal : verdict.kind, warnings];
}

test.each<[title: string, options: object, verdict: string, warnings: string[]]>([
  ['without authentication on loopback', {}, 'allowed', []],
  ['behind a proxy', { api: { trusted_proxies: ['127.0.0.1'] } }, 'address', [WARNING]],
  ['with keys', { auth: { mode: 'apikey' } }, 'address', [WARNING]],
  ['open to all', { api: { host: '0.0.0.0', i_understand_noauth_is_open: true } }, 'address', [WARNING]],
  ['with keys and a list', { auth: { mode: 'apikey' }, egress: { allow: ['10.1.0.0/16'] } }, 'address', []],
  ['with keys and a list that has it', { auth: { mode: 'apikey' }, egress: { allow: ['10.0.0.9'] } }, 'allowed', []],
])('%s, a receiver at a private address is judged: %p', async (_, options, verdict, warnings) => {
  expect(await judged(options, 'http://10.0.0.9/')).toEqual([verdict, warnings]);
});

test('notifier.https_only_actions refuses a receiver without TLS', async () => {
  const options = { notifier: { https_only_actions: true } };
  expect(await judged(options, 'http://1.1.1.1/')).toEqual(['not https', []]);
  expect(await judged(options, 'https://1.1.1.1/')).toEqual(['allowed', []]);
  expect(await judged({}, 'http://1.1.1.1/')).toEqual(['allowed', []]);
});

test.each([
  ['the API', 'http://127.0.0.1:8042/'],
  ['the management listener', 'http://127.0.0.1:9042/'],
  ['the database', 'http://127.0.0.1:15432/'],
  ['Redis', 'http://127.0.0.1:16379/'],
  ['the Redis of queues', 'http://127.0.0.1:16380/'],
  ['Keystone', 'http://127.0.0.1:5000/'],
  ['a Gnocchi', 'http://127.0.0.1:8041/'],
  ['a named Gnocchi', 'http://127.0.0.1:8141/'],
  ['Prometheus', 'http://127.0.0.1:9090/'],
  ['Octavia', 'http://127.0.0.1:9876/'],
])('%s of this installation is not called, and a receiver beside it is', async (_, url) => {
  const options = {
    management: { port: 9042 },
    database: { url: 'postgresql://t@localhost:15432/t' },
    redis: { url: 'redis://localhost:16379' },
    queue: { redis_url: 'redis://127.0.0.1:16380' },
    keystone: { auth_url: 'http://localhost:5000/v3', username: 'u', password: 'p' },
    gnocchi: { url: 'http://localhost:8041', others: { east: { url: 'http://127.0.0.1:8141' } } },
    prometheus: { url: 'http://[::ffff:127.0.0.1]:9090' },
    octavia: { url: 'http://localhost:9876' },
  };
  expect(await judged(options, url)).toEqual(['service of this installation', []]);
  const beside = new URL(url);
  beside.port = '18080';
  expect(await judged(options, beside.href)).toEqual(['allowed', []]);
});

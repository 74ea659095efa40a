import { expect, test } from '@jest/globals';

import { warnOfPlainPasswords } from '../../src/app/plain-passwords.js';
import { parseConfig } from '../../src/config/parse.js';
import type { Logger } from '../../src/logger.js';

const DATABASE = { url: 'postgresql://tocsin:secret@127.0.0.1/tocsin' };
const LOGIN = { username: 'tocsin', password: 'secret' };
const OTHER = '192.0.2.1';

async function warnedOf(options: object): Promise<object[]> {
  const warned: object[] = [];
  const log = { warn: (_: string, fields: object) => warned.push(fields) } as unknown as Logger;
  await warnOfPlainPasswords(parseConfig(options), log);
  return warned;
}

test.each<[setting: string, options: object]>([
  ['database.url', { database: { url: `postgresql://tocsin:secret@${OTHER}/tocsin` } }],
  ['database.url', { database: { url: `postgresql://tocsin:secret@${OTHER}/tocsin?sslmode=disable` } }],
  ['database.url', { database: { url: `postgresql:///tocsin?host=${OTHER}&user=tocsin&password=secret` } }],
  ['redis.url', { database: DATABASE, redis: { url: `redis://:secret@${OTHER}` } }],
  ['queue.redis_url', { queue: { redis_url: `redis://user:secret@${OTHER}:6379/1` } }],
  ['keystone.auth_url', { keystone: { auth_url: `http://${OTHER}/v3`, ...LOGIN } }],
  [
    'prometheus.others.east.url',
    { prometheus: { others: { east: { url: `http://${OTHER}:9090`, auth: 'bearer', token: 'secret' } } } },
  ],
])('a start warns of a password that is sent to another machine without TLS: %s of %j', async (setting, options) => {
  expect(await warnedOf(options)).toEqual([{ setting, host: OTHER }]);
});

test('a start warns of a name that cannot be resolved, since it may be another machine', async () => {
  const url = 'redis://:secret@no.such.name.invalid';
  expect(await warnedOf({ queue: { redis_url: url } })).toEqual([
    { setting: 'queue.redis_url', host: 'no.such.name.invalid' },
  ]);
});

test.each<[what: string, options: object]>([
  ['nothing is configured', {}],
  ['the server is this machine', { database: { url: 'postgresql://tocsin:secret@localhost/tocsin' } }],
  ['the server is this machine by its IPv6 address', { queue: { redis_url: 'redis://:secret@[::1]:6379' } }],
  ['the connection is a socket', { database: { url: 'postgresql:///tocsin?host=/run/postgresql&password=secret' } }],
  ['PostgreSQL is reached by TLS', { database: { url: `postgresql://u:p@${OTHER}/t?sslmode=verify-full` } }],
  ['PostgreSQL is reached by TLS of ssl=true', { database: { url: `postgresql://u:p@${OTHER}/t?ssl=true` } }],
  ['PostgreSQL needs no password', { database: { url: `postgresql://tocsin@${OTHER}/tocsin` } }],
  ['Redis is reached by TLS', { queue: { redis_url: `rediss://:secret@${OTHER}` } }],
  ['Redis needs no password', { queue: { redis_url: `redis://${OTHER}` } }],
  ['Keystone is reached by TLS', { keystone: { auth_url: `https://${OTHER}/v3`, ...LOGIN } }],
  ['Prometheus needs no password', { prometheus: { url: `http://${OTHER}:9090` } }],
])('a start does not warn of passwords if %s', async (_, options) => {
  expect(await warnedOf(options)).toEqual([]);
});

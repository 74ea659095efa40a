import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { FailureCounter, limitFailures } from '../../src/api/identity/failure-limiter.js';
import { unauthenticated } from '../../src/api/identity/identity.js';
import type { Database } from '../../src/storage/database.js';
import { startApi, thresholdBody, type Answered, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
beforeAll(async () => {
  db = await anyDatabase();
});
afterAll(() => db.close());

const FORWARDED = {
  'x-forwarded-proto': 'https',
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-host': 'alarms.example.com',
};

/** An API that admits one token, and lets an address fail twice a minute. */
async function withApi(trustedProxies: string[], use: (api: TestApi) => Promise<void>): Promise<void> {
  const api = await startApi(db, {
    trustedProxies,
    authentication: (clock) => ({
      authenticate: limitFailures(
        ({ headers }) =>
          headers['x-auth-token'] === 'good'
            ? Promise.resolve({ userId: 'u', projectId: 'p', role: 'admin' })
            : Promise.reject(unauthenticated()),
        new FailureCounter({ clock, failuresPerMinute: 2 }),
      ),
    }),
  });
  try {
    await use(api);
  } finally {
    await api.close();
  }
}

describe('the X-Forwarded headers of a proxy', () => {
  test.each([
    {
      proxies: ['127.0.0.0/8'],
      origin: /^https:\/\/alarms\.example\.com\/v2/,
      what: 'are used if the proxy is trusted',
    },
    {
      proxies: ['10.0.0.0/8'],
      origin: /^http:\/\/127\.0\.0\.1:\d+\/v2/,
      what: 'are ignored if another proxy is trusted',
    },
    { proxies: [], origin: /^http:\/\/127\.0\.0\.1:\d+\/v2/, what: 'are ignored if no proxy is trusted' },
  ])('$what', async ({ proxies, origin }) => {
    await withApi(proxies, async (api) => {
      const as = { 'x-auth-token': 'good', ...FORWARDED };
      const { headers } = await api.ask('POST', '/v2/alarms', { as, body: thresholdBody() });
      expect(headers.location).toMatch(origin);
    });
  });

  test.each([
    { proxies: ['127.0.0.1'], origin: 'https://alarms.example.com', status: 201, what: 'of a trusted proxy, the page' },
    { proxies: [], origin: 'https://alarms.example.com', status: 403, what: 'of another proxy, the page' },
    { proxies: ['127.0.0.1'], origin: 'https://evil.example', status: 403, what: 'of a trusted proxy, another page' },
    {
      proxies: ['127.0.0.1'],
      origin: 'http://alarms.example.com',
      status: 403,
      what: 'of a trusted proxy, plain http',
    },
  ])('$what writes in noauth with the status $status', async ({ proxies, origin, status }) => {
    const api = await startApi(db, { trustedProxies: proxies });
    try {
      const headers = { ...FORWARDED, origin, 'sec-fetch-site': 'same-origin' };
      const answer = await api.ask('POST', '/v2/alarms', { as: {}, headers, body: thresholdBody() });
      expect(answer.status).toBe(status);
    } finally {
      await api.close();
    }
  });

  test.each([
    {
      proxies: ['127.0.0.1'],
      status: 401,
      what: 'of a trusted proxy keep the failures of one client apart from the others',
    },
    { proxies: [], status: 429, what: 'of a proxy that is not trusted do not keep the failures of clients apart' },
  ])('$what', async ({ proxies, status }) => {
    await withApi(proxies, async (api) => {
      const from = (address: string, token: string): Promise<Answered> =>
        api.ask('GET', '/v2/alarms', { as: { 'x-auth-token': token, 'x-forwarded-for': address } });
      for (let failure = 0; failure < 3; failure += 1) await from('203.0.113.7', 'bad');
      expect((await from('203.0.113.7', 'bad')).status).toBe(429);
      expect((await from('203.0.113.8', 'bad')).status).toBe(status);
      expect((await from('203.0.113.7', 'good')).status).toBe(200);
    });
  });
});

test('documentation is public; paths that only look like it are not', async () => {
  await withApi([], async (api) => {
    for (const path of [
      '/',
      '/openapi.json',
      '/docs',
      '/docs/',
      '/docs/start.js',
      '/docs/swagger-ui.css',
      '/livez',
      '/healthcheck',
    ]) {
      expect([path, (await api.ask('GET', path, { as: {} })).status]).toEqual([path, 200]);
    }
    for (const path of ['/openapiXjson', '/docs/a/b', '/v2/alarms', '/v2/nothing']) {
      expect([path, (await api.ask('GET', path, { as: {} })).status]).toEqual([path, 401]);
    }
  });
});

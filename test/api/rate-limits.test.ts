import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import {
  countFailuresIn,
  createRateLimits,
  type Rate,
  type RateKind,
  type RateLimits,
} from '../../src/api/http/rate-limits.js';
import { FailureCounter, limitFailures } from '../../src/api/identity/failure-limiter.js';
import { unauthenticated, type Authenticator } from '../../src/api/identity/identity.js';
import { silentLogger } from '../../src/logger.js';
import { createRedis, type Redis } from '../../src/redis.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, STRANGER, thresholdBody, type Answered, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { eventually } from '../support/eventually.js';
import { describeWith, redisUrl } from '../support/servers.js';
import { freePort } from '../support/service-process.js';

/** Longer than any test, so that none depends on how fast it runs. */
const SECONDS = 3_600;
const NONE: Rate = { points: 0, seconds: SECONDS };

function limits(points: Partial<Record<RateKind, number>>, redis?: Redis, prefix = randomUUID()): RateLimits {
  const rateOf = (kind: RateKind): Rate => (points[kind] ? { points: points[kind], seconds: SECONDS } : NONE);
  return createRateLimits({
    rates: {
      requests: rateOf('requests'),
      writes: rateOf('writes'),
      tests: rateOf('tests'),
      replays: rateOf('replays'),
    },
    redis,
    prefix,
  });
}

let db: Database;
let api: TestApi | undefined;
beforeAll(async () => {
  db = await anyDatabase();
});
afterEach(() => api?.close());
afterAll(() => db.close());

describe('a project that asks too often', () => {
  const list = (as: Caller): Promise<Answered> => api!.ask('GET', '/v2/alarms', { as });

  test('is told how long to wait, and no other project is', async () => {
    api = await startApi(db, { rateLimits: limits({ requests: 3 }) });
    for (let request = 0; request < 3; request += 1) expect((await list(MEMBER)).status).toBe(200);
    const refused = await list(MEMBER);
    expect([refused.status, refused.fault]).toEqual([429, 'Too many requests of this project']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(SECONDS - 600);
    expect((await list(STRANGER)).status).toBe(200);
    expect((await api.ask('GET', '/livez')).status).toBe(200);
  });

  test('may still read when it has changed too much, and complex queries are no changes', async () => {
    api = await startApi(db, { rateLimits: limits({ writes: 1 }) });
    const create = (): Promise<Answered> => api!.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody() });
    expect((await create()).status).toBe(201);
    const refused = await create();
    expect([refused.status, refused.fault]).toEqual([429, 'Too many changes by this project']);
    expect((await api.ask('POST', '/v2/query/alarms', { as: MEMBER, body: {} })).status).toBe(200);
    expect((await list(MEMBER)).status).toBe(200);
  });

  test('may have few notifications sent again', async () => {
    api = await startApi(db, { rateLimits: limits({ replays: 2 }) });
    const replay = (): Promise<Answered> => api!.ask('POST', '/v1/notifications/replay?status=dead', { as: MEMBER });
    expect([(await replay()).status, (await replay()).status]).toEqual([202, 202]);
    const refused = await api.ask('POST', '/v1/notifications/none/replay', { as: MEMBER });
    expect([refused.status, refused.fault]).toEqual([429, 'Too many replays by this project']);
  });
});

const MANY = 100;

/** How many of a hundred are let through. */
async function admitted(some: readonly RateLimits[]): Promise<number> {
  let count = 0;
  for (let turn = 0; turn < MANY; turn += 1) {
    await some[turn % some.length]!.count('requests', 'p').then(
      () => (count += 1),
      () => undefined,
    );
  }
  return count;
}

describeWith(['redis'], 'with Redis', () => {
  test('several processes count together, and each for itself while Redis is unavailable', async () => {
    const clients = [redisUrl(), redisUrl()].map((url) => createRedis(url, 'command', silentLogger));
    try {
      await eventually(async () => expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready']));
      const prefix = randomUUID();
      expect(await admitted(clients.map((redis) => limits({ requests: 10 }, redis, prefix)))).toBe(10);
    } finally {
      for (const client of clients) client.disconnect();
    }
    const absent = createRedis(`redis://127.0.0.1:${await freePort()}`, 'command', silentLogger);
    try {
      expect(await admitted([limits({ requests: 10 }, absent), limits({ requests: 10 }, absent)])).toBe(20);
    } finally {
      absent.disconnect();
    }
  });

  /** An API process that admits the token `good`, and an address 10 failures a minute. */
  function processWith(redis: Redis, prefix: string): (token: string, remoteAddress?: string) => Promise<string> {
    const authenticate: Authenticator = ({ headers }) =>
      headers['x-auth-token'] === 'good'
        ? Promise.resolve({ userId: 'u', projectId: 'p', role: 'admin' })
        : Promise.reject(unauthenticated());
    const countShared = countFailuresIn(redis, prefix, 10);
    const failures = new FailureCounter({ clock: new FakeClock(), failuresPerMinute: 10, countShared });
    const limited = limitFailures(authenticate, failures);
    return (token, remoteAddress = '192.0.2.1') =>
      limited({ headers: { 'x-auth-token': token }, method: 'GET', path: '/', origin: 'http://h', remoteAddress }).then(
        () => 'ok',
        (thrown: unknown) => (thrown as { code: string }).code,
      );
  }

  /** How many of a hundred wrong credentials are answered 401, and not 429. */
  async function refusedOf(processes: readonly ReturnType<typeof processWith>[]): Promise<number> {
    let refused = 0;
    for (let turn = 0; turn < MANY; turn += 1) {
      if ((await processes[turn % processes.length]!('wrong')) === 'unauthenticated') refused += 1;
    }
    return refused;
  }

  test('several processes count failed authentications together, and never those with a valid credential', async () => {
    const clients = [redisUrl(), redisUrl()].map((url) => createRedis(url, 'command', silentLogger));
    try {
      await eventually(async () => expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready']));
      const prefix = randomUUID();
      const processes = clients.map((redis) => processWith(redis, prefix));
      const [first, second] = processes as [(typeof processes)[0], (typeof processes)[0]];
      expect(await first('good')).toBe('ok');
      expect(await clients[0]!.keys(`${prefix}*`)).toEqual([]);
      expect(await refusedOf(processes)).toBe(10);
      expect([await first('good'), await second('good')]).toEqual(['ok', 'ok']);
      expect(await second('wrong', '192.0.2.2')).toBe('unauthenticated');
    } finally {
      for (const client of clients) client.disconnect();
    }
  });

  test('each process counts failed authentications for itself while Redis is unavailable', async () => {
    const absent = createRedis(`redis://127.0.0.1:${await freePort()}`, 'command', silentLogger);
    try {
      expect(await refusedOf([processWith(absent, 'a'), processWith(absent, 'a')])).toBe(20);
    } finally {
      absent.disconnect();
    }
  });
});

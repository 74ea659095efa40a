import { afterEach, expect, test } from '@jest/globals';
import { chmodSync } from 'node:fs';

import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { createBullWaker, createWakeWorker } from '../../src/notifier/bull-waker.js';
import { createRedis, refuseEvictingRedis, type RedisPurpose } from '../../src/redis.js';
import { eventually } from '../support/eventually.js';
import { startWatchedRedis } from '../support/redis-sentinels.js';
import { inTemporaryFolder } from '../support/running-servers.js';
import { describeWithRedis } from '../support/servers.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describeWithRedis('a fail-over of Redis with sentinels in redis.url', () => {
  test('moves each connection to the new primary', async () => {
    const redis = await inTemporaryFolder((dir) => {
      chmodSync(dir, 0o755); // the servers run as another account
      return startWatchedRedis(dir);
    });
    undo.push(() => redis.stop());
    const clients = (['command', 'worker', 'subscriber'] satisfies RedisPurpose[]).map((purpose) =>
      createRedis(redis.url, purpose, silentLogger),
    );
    for (const client of clients) undo.push(() => client.disconnect());
    const ports = (): Promise<string[]> =>
      Promise.all(clients.map(async (client) => /tcp_port:(\d+)/.exec(await client.info('server'))?.[1] ?? ''));
    const log = silentLogger;
    await refuseEvictingRedis(redis.url, 'redis.url', log);
    await eventually(async () => expect(new Set(await ports())).toEqual(new Set([String(redis.primary.port)])));

    const waker = createBullWaker({ redisUrl: redis.url, prefix: 'x', pollEveryMs: 1_000, log });
    undo.push(() => waker.close());
    let wakeUps = 0;
    const onWake = (): Promise<void> => {
      wakeUps += 1;
      return Promise.resolve();
    };
    const worker = createWakeWorker({ redisUrl: redis.url, prefix: 'x', clock: createSystemClock(), log, onWake });
    const stopped = new AbortController();
    const running = worker.run(stopped.signal);
    undo.push(() => {
      stopped.abort();
      return running;
    });
    const wakes = async (): Promise<void> => {
      const before = wakeUps;
      await eventually(() => {
        waker.wake(1);
        expect(wakeUps).toBeGreaterThan(before);
      });
    };
    await wakes();

    process.kill(redis.primary.pid, 'SIGKILL');
    await eventually(async () => expect(new Set(await ports())).toEqual(new Set([String(redis.replica.port)])));
    await wakes();
    await clients[0]?.set('x', 'written');
    expect(await clients[0]?.get('x')).toBe('written');
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';

import type { LocalServer } from '../../dev/servers/redis.js';
import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { createBullWaker, createWakeWorker, wakeQueueName } from '../../src/notifier/bull-waker.js';
import { createRedis } from '../../src/redis.js';
import type { Database } from '../../src/storage/database.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier } from '../support/notifier-rig.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWithRedis, redisUrl, startRedis } from '../support/servers.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';
import { statuses, storeNotification } from '../support/stored-notifications.js';

type BullWaker = ReturnType<typeof createBullWaker>;

const clock = createSystemClock();
/** No server listens at this address. */
const NOWHERE = 'redis://127.0.0.1:1';

describeWithRedis('the waker that uses BullMQ', () => {
  const closers: (() => Promise<void>)[] = [];
  let db: Database;
  let prefix: string;
  let receiver: Receiver;

  beforeAll(async () => {
    db = await embeddedDatabase();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAlarm(db, { id: 'a', rule: thresholdRule() });
    prefix = `t-${randomUUID()}`;
    receiver = await startReceiver();
    closers.push(() => receiver.close());
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => db.close());

  function openWaker(url = redisUrl()): BullWaker {
    const waker = createBullWaker({ redisUrl: url, prefix, pollEveryMs: 5_000, log: silentLogger });
    closers.push(() => waker.close());
    return waker;
  }

  function notifier(url = redisUrl()): void {
    const rig = startNotifier(db, { redis: { url, prefix } });
    closers.push(() => rig.stop());
  }

  async function privateRedis(like: Partial<LocalServer> = {}): Promise<LocalServer> {
    const password = like.url && new URL(like.url).password;
    const server = await startRedis({ ...(like.port ? { port: like.port } : {}), ...(password ? { password } : {}) });
    closers.push(() => server.stop());
    return server;
  }

  const put = (id: string): Promise<void> =>
    storeNotification(db, { id, alarmId: id, action: `${receiver.url}/${id}`, createdAt: clock.now() });
  const delivered = (id: string): Promise<void> =>
    eventually(async () => expect(await statuses(db)).toMatchObject({ [id]: 'delivered' }));
  const wakeUntilDelivered = (waker: BullWaker, id: string): Promise<void> =>
    eventually(async () => {
      waker.wake(1);
      expect(await statuses(db)).toMatchObject({ [id]: 'delivered' });
    });

  test('a wake-up reaches a notifier on another connection', async () => {
    notifier();
    const waker = openWaker();
    await put('n1');
    await wakeUntilDelivered(waker, 'n1');
    await put('n2');
    waker.wake(1);
    await delivered('n2');
    expect(receiver.requests).toHaveLength(2);
  });

  test.each([
    { notifications: 0, wakeUps: 0 },
    { notifications: 1, wakeUps: 1 },
    { notifications: 26, wakeUps: 2 },
    { notifications: 1_000_000, wakeUps: 8 },
  ])('$notifications due notifications are $wakeUps wake-ups', async ({ notifications, wakeUps }) => {
    const waker = openWaker();
    const connection = createRedis(redisUrl(), 'worker', silentLogger);
    const queue = new Queue(wakeQueueName(prefix), { connection });
    closers.push(async () => {
      await queue.close();
      connection.disconnect();
    });
    await eventually(async () => {
      waker.wake(1);
      expect(await queue.getWaitingCount()).toBeGreaterThan(0);
    });
    // Some of the wake-ups until here may still be on their way.
    const lastMs = Date.now();
    await eventually(() => expect(Date.now()).toBeGreaterThan(lastMs));
    const added = async (): Promise<number> =>
      (await queue.getWaiting()).filter(({ timestamp }) => timestamp > lastMs).length;
    waker.wake(notifications);
    if (wakeUps > 0) await eventually(async () => expect(await added()).toBe(wakeUps));
    expect(await added()).toBe(wakeUps);
  });

  test('wake-ups from before the start are harmless, and are removed from the queue', async () => {
    const connection = createRedis(redisUrl(), 'worker', silentLogger);
    const queue = new Queue(wakeQueueName(prefix), { connection });
    closers.push(async () => {
      await queue.close();
      connection.disconnect();
    });
    await queue.addBulk([1, 2, 3].map((n) => ({ name: `of another release ${n}`, data: { unknown: n } })));
    await queue.add('wake', {}, { removeOnComplete: true, removeOnFail: true });
    await put('n1');
    notifier();
    await delivered('n1');
    await eventually(async () =>
      expect(await queue.getJobCounts('waiting', 'active', 'failed')).toEqual({ active: 0, failed: 0, waiting: 0 }),
    );
    expect(receiver.requests).toHaveLength(1);
  });

  test(
    'without Redis from the start, the sweeper finds the ' + 'notifications, and the notifier stops in time',
    async () => {
      const waker = createBullWaker({ redisUrl: NOWHERE, prefix, pollEveryMs: 5_000, log: silentLogger });
      const rig = startNotifier(db, { redis: { url: NOWHERE, prefix }, waker, rules: { sweepEveryMs: 100 } });
      await put('n1');
      for (let n = 0; n < 100; n += 1) waker.wake(100);
      await delivered('n1');
      await rig.stop();
      await waker.close();
    },
  );

  test('when Redis is killed, delivery continues, and when Redis is back, wake-ups arrive again', async () => {
    const redis = await privateRedis();
    const waker = openWaker(redis.url);
    notifier(redis.url);
    await put('n1');
    await wakeUntilDelivered(waker, 'n1');
    process.kill(redis.pid, 'SIGKILL');
    await redis.stop();
    const sweeping = startNotifier(db, { redis: { url: redis.url, prefix }, waker, rules: { sweepEveryMs: 100 } });
    await put('n2');
    waker.wake(1);
    await delivered('n2');
    await sweeping.stop();
    await privateRedis(redis);
    await put('n3');
    await wakeUntilDelivered(waker, 'n3');
    expect(receiver.requests).toHaveLength(3);
  });

  test('a worker can be rebuilt with and without Redis, and a worker that has ended does not start again', async () => {
    const redis = await privateRedis();
    let wakeUps = 0;
    const onWake = async (): Promise<void> => void (wakeUps += 1);
    const worker = createWakeWorker({ redisUrl: redis.url, prefix, clock, log: silentLogger, onWake });
    const stopping = new AbortController();
    const running = worker.run(stopping.signal);
    await worker.rebuild();
    const waker = openWaker(redis.url);
    await eventually(() => {
      waker.wake(1);
      expect(wakeUps).toBeGreaterThan(0);
    });
    process.kill(redis.pid, 'SIGKILL');
    await redis.stop();
    await worker.rebuild();
    stopping.abort();
    await running;
    await privateRedis(redis);
    await worker.rebuild();
    const before = wakeUps;
    const connection = createRedis(redis.url, 'worker', silentLogger);
    closers.push(async () => connection.disconnect());
    await eventually(async () => {
      waker.wake(1);
      expect(await connection.llen(`bull:${wakeQueueName(prefix)}:wait`)).toBeGreaterThan(3);
    });
    expect(wakeUps).toBe(before);
  });
});

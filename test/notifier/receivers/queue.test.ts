import { afterEach, expect, test } from '@jest/globals';
import { Worker, type Job } from 'bullmq';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';

import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import { createQueueReceiver } from '../../../src/notifier/receivers/queue/queue.js';
import { queueNameOf } from '../../../src/notifier/receivers/queue/queue-name.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../../../src/notifier/receivers/receiver.js';
import { createRedis } from '../../../src/redis.js';
import { eventually } from '../../support/eventually.js';
import { NOON } from '../../support/builders.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWithRedis, redisUrl, startRedis } from '../../support/servers.js';
import { A_BODY } from '../../support/stored-notifications.js';

const clock = createSystemClock();
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function receiverOn(url: string, prefix: string): Receiver {
  const receiver = createQueueReceiver({ redisUrl: url, prefix, log: silentLogger });
  closers.push(async () => receiver.close?.());
  return receiver;
}

function delivery(given: Partial<Delivery> = {}): Delivery {
  const who = {
    id: 'n-1',
    kind: 'transition' as const,
    alarmId: 'a',
    projectId: 'p-1',
    sequence: 7,
    transitionTime: NOON,
  };
  return { ...who, action: 'queue://jobs', body: A_BODY, attempt: 1, ...given };
}

async function deliver(
  receiver: Receiver,
  given: Partial<Delivery> = {},
  timeoutMs = PATIENCE_MS,
): Promise<DeliveryOutcome> {
  const [expired, ended] = [new AbortController(), new AbortController()];
  void clock.sleep(timeoutMs, ended.signal).then(() => expired.abort());
  try {
    return await receiver.deliver(delivery(given), expired.signal);
  } finally {
    ended.abort();
  }
}

test('queue names of two projects always differ', () => {
  const project = fc.option(
    fc.oneof(fc.uuid(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9_-]{0,12}$/)),
  );
  const name = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
  fc.assert(
    fc.property(project, project, name, name, (one, other, oneName, otherName) => {
      fc.pre((one ?? '') !== (other ?? ''));
      expect(queueNameOf('tocsin', one, oneName)).not.toBe(queueNameOf('tocsin', other, otherName));
    }),
    { numRuns: 1_000 },
  );
});

test('a queue name stays legible and has no character that separates the parts of Redis keys', () => {
  expect(queueNameOf('tocsin-actions', '5f1c', 'jobs')).toBe('tocsin-actions-5f1c-jobs');
  expect(queueNameOf('x', 'A:-', 'jobs')).toBe('x-_0041_003a_002d-jobs');
  expect(queueNameOf('x', null, 'jobs')).toBe('x--jobs');
});

test('a notification to a queue is dead with the reason if no Redis for queues is configured', async () => {
  const receiver = createQueueReceiver({ redisUrl: undefined, prefix: 'x', log: silentLogger });
  expect(await deliver(receiver)).toEqual({ kind: 'dead', error: 'queue actions are not configured' });
});

describeWithRedis('a notification to a queue', () => {
  test('is one job, which the worker of the queue gets', async () => {
    const prefix = `t-${randomUUID()}`;
    const receiver = receiverOn(redisUrl(), prefix);
    const jobs: Job[] = [];
    expect(await deliver(receiver)).toEqual({ kind: 'delivered' });
    expect(await deliver(receiver)).toEqual({ kind: 'delivered' });
    expect(await deliver(receiver, { projectId: 'p-2' })).toEqual({ kind: 'delivered' });
    const connection = createRedis(redisUrl(), 'worker', silentLogger);
    const worker = new Worker(`${prefix}-p_002d1-jobs`, async (job) => void jobs.push(job), { connection });
    closers.push(async () => {
      await worker.close();
      connection.disconnect();
    });
    await eventually(() => expect(jobs).toHaveLength(1));
    expect(jobs[0]).toMatchObject({
      name: 'alarm',
      id: 'notification-n-1',
      data: { notification_id: 'n-1', sequence: 7, notification: JSON.parse(A_BODY) as unknown },
    });
  });

  test('is delivered also when there are more queue names than open queues', async () => {
    const receiver = receiverOn(redisUrl(), `t-${randomUUID()}`);
    const names = Array.from({ length: 130 }, (_, n) => `queue://q${n}`);
    const outcomes = await Promise.all(names.map((action) => deliver(receiver, { action })));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['delivered']));
  });

  test('is tried again, within the time of an attempt, while Redis is unavailable', async () => {
    const receiver = createQueueReceiver({ redisUrl: 'redis://127.0.0.1:1', prefix: 'x', log: silentLogger });
    expect(await deliver(receiver, {}, 500)).toMatchObject({ kind: 'retry' });
    await receiver.close?.();
  });

  test('is tried again when Redis is killed, and delivered when Redis is back', async () => {
    const redis = await startRedis();
    const receiver = receiverOn(redis.url, 'x');
    expect(await deliver(receiver, { id: 'first' })).toEqual({ kind: 'delivered' });
    process.kill(redis.pid, 'SIGKILL');
    await redis.stop();
    expect(await deliver(receiver)).toEqual({ kind: 'retry', error: 'connect_failed' });
    const back = await startRedis({ port: redis.port, password: new URL(redis.url).password });
    closers.push(() => back.stop());
    await eventually(async () => expect(await deliver(receiver)).toEqual({ kind: 'delivered' }));
  });
});

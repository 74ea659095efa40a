/**
 * Consumes the notifications that alarms with an action `queue://<name>` put into a BullMQ queue, and prints each. It
 * is a client: it needs Redis and the queue's name, and nothing of the service.
 *
 *     npm run build && node build/examples/queue-worker/main.js --redis redis://127.0.0.1:6379 --queue
 * tocsin-actions-myproject-scaling
 *
 * The queue's name is `<queue.prefix>-<project>-<name>`; in the project's id everything but a-z and 0-9 is written as
 * `_` and four hexadecimal digits (a dash is `_002d`). Ctrl-C ends it when the job in hand is done.
 */
import { parseArgs } from 'node:util';

import { Worker } from 'bullmq';

/** What every job holds. Jobs can come twice: the same `notification_id` is the same notification. */
interface QueuedNotification {
  notification_id: string;
  /** The alarm's state version: of two notifications of one alarm, the higher one is the newer. */
  sequence: number;
  /** The seven keys that a webhook would get. */
  notification: {
    alarm_name: string;
    alarm_id: string;
    severity: 'low' | 'moderate' | 'critical';
    previous: string;
    current: string;
    reason: string;
    reason_data: unknown;
  };
}

const { redis, queue } = parseArgs({ options: { redis: { type: 'string' }, queue: { type: 'string' } } }).values;
if (redis === undefined || queue === undefined) {
  console.error('usage: main.js --redis redis://host:port --queue NAME');
  process.exit(2);
}

const worker = new Worker<QueuedNotification>(
  queue,
  async ({ data: { notification_id, sequence, notification } }) => {
    const { alarm_name, previous, current, reason } = notification;
    console.log(`${alarm_name}: ${previous} -> ${current} (${reason}) [sequence ${sequence}, id ${notification_id}]`);
  },
  // A worker waits for Redis for ever; done jobs are removed, so that the queue does not grow.
  { connection: { url: redis, maxRetriesPerRequest: null }, removeOnComplete: { count: 100 } },
);
worker.on('error', ({ message }) => console.error(message));
worker.on('failed', (job, { message }) => console.error(`job ${job?.id ?? 'unknown'} failed: ${message}`));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void worker.close());

/**
 * Consumes and prints the notifications that alarms with an action `queue://<name>` put into a BullMQ queue. It needs
 * only Redis and the name of the queue: npm run build node build/examples/queue-worker/main.js --redis
 * redis://127.0.0.1:6379 --queue tocsin-actions-myproject-scaling The name of the queue is
 * `<queue.prefix>-<project>-<name>`. In the id of the project all characters but a-z and 0-9 are written as `_` and
 * four hexadecimal digits (a dash is `_002d`). Ctrl-C ends the worker after its current job.
 */
import { parseArgs } from 'node:util';

import { Worker } from 'bullmq';

/** The data of a job. A notification can come twice, with the same `notification_id`. */
interface QueuedNotification {
  notification_id: string;
  /** State version of the alarm. Of two notifications of one alarm, the one with the higher number is newer. */
  sequence: number;
  /** The seven members of a webhook's body. */
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
  // A worker waits for Redis without limit. Finished jobs are removed, so that the queue does not grow.
  { connection: { url: redis, maxRetriesPerRequest: null }, removeOnComplete: { count: 100 } },
);
worker.on('error', ({ message }) => console.error(message));
worker.on('failed', (job, { message }) => console.error(`job ${job?.id ?? 'unknown'} failed: ${message}`));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void worker.close());

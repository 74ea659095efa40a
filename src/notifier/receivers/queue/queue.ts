import { Queue } from 'bullmq';

import { parseAction } from '../../../alarm/action.js';
import type { Logger } from '../../../logger.js';
import { createRedis, type Redis } from '../../../redis.js';
import { untilAborted } from '../../../async/deadline.js';
import type { Receiver } from '../receiver.js';
import { queueNameOf } from './queue-name.js';

export interface QueueReceiverDeps {
  /** Where actions are queued; without it such notifications are dead: there is nobody to hand them to. */
  redisUrl: string | undefined;
  prefix: string;
  log: Logger;
}

/** Queues kept open at once; names are tenants' choice, so there must be an end to them. */
const OPEN_QUEUES = 100;

/**
 * `queue://<name>`: a BullMQ queue of the alarm's project, which its own workers consume. Delivered = Redis has
 * acknowledged the job.
 */
export function createQueueReceiver({ redisUrl, prefix, log }: QueueReceiverDeps): Receiver {
  if (redisUrl === undefined)
    return { deliver: async () => ({ kind: 'dead', error: 'queue actions are not configured' }) };
  const connection = createRedis(redisUrl, 'command', log);
  const queues = new Map<string, Queue>();
  let connecting: Promise<void> | undefined;

  function queueFor(name: string): Queue {
    const known = queues.get(name);
    queues.delete(name); // and back in at the end: the first is the one longest unused
    const queue = known ?? new Queue(name, { connection });
    if (known === undefined) queue.on('error', (err) => log.debug('queue connection', { err }));
    queues.set(name, queue);
    const [oldest] = queues.keys();
    if (queues.size > OPEN_QUEUES && oldest !== undefined) {
      void queues.get(oldest)?.close();
      queues.delete(oldest);
    }
    return queue;
  }

  return {
    async deliver({ action, body, projectId, id, sequence }, signal) {
      const name = queueNameOf(prefix, projectId, parseAction(action).url.hostname);
      try {
        const data = { notification_id: id, sequence, notification: JSON.parse(body) as unknown };
        // The id makes a second delivery recognisable, and while the first job is still there, it makes no second job.
        const add = async (): Promise<void> => {
          // Not left to the queue: until its first connection stands it would keep jobs in memory, without an end.
          await (connecting ??= connected(connection).finally(() => (connecting = undefined)));
          await queueFor(name).add('alarm', data, { jobId: `notification-${id}` });
        };
        await untilAborted(add(), signal);
        return { kind: 'delivered' };
      } catch {
        return { kind: 'retry', error: 'connect_failed' };
      }
    },
    async close() {
      if (connection.status !== 'ready') connection.disconnect(); // or closing would wait for Redis to come back
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}

/** Resolves when a connection stands; rejects when it has failed. */
function connected(connection: Redis): Promise<void> {
  if (connection.status === 'ready') return Promise.resolve();
  if (!['wait', 'connecting', 'connect'].includes(connection.status))
    return Promise.reject(new Error('Redis is not connected'));
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => (): void => {
      connection.off('ready', onReady);
      connection.off('close', onClose);
      act();
    };
    const onReady = settle(resolve);
    const onClose = settle(() => reject(new Error('Redis is not connected')));
    connection.on('ready', onReady);
    connection.on('close', onClose);
  });
}

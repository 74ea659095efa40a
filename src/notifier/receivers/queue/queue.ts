import { Queue } from 'bullmq';

import { parseAction } from '../../../alarm/action.js';
import type { Logger } from '../../../logger.js';
import { createRedis, type Redis } from '../../../redis.js';
import { untilAborted } from '../../../async/deadline.js';
import type { Receiver } from '../receiver.js';
import { queueNameOf } from './queue-name.js';

/** What the receiver of `queue://` actions needs. */
export interface QueueReceiverDeps {
  /** Redis for the queues. If undefined, notifications with such an action become dead. */
  redisUrl: string | undefined;
  prefix: string;
  log: Logger;
}

/** Most queues kept open. Tenants choose the names, so their number must be bounded. */
const MAX_OPEN_QUEUES = 100;

/**
 * Receiver of `queue://<name>` actions: adds a job to a BullMQ queue of the alarm's project, whose workers are the
 * project's own. A notification counts as delivered when Redis has acknowledged the job.
 */
export function createQueueReceiver({ redisUrl, prefix, log }: QueueReceiverDeps): Receiver {
  if (redisUrl === undefined)
    return { deliver: async () => ({ kind: 'dead', error: 'queue actions are not configured' }) };
  const connection = createRedis(redisUrl, 'command', log);
  const queues = new Map<string, Queue>();
  let connecting: Promise<void> | undefined;

  function queueFor(name: string): Queue {
    const known = queues.get(name);
    queues.delete(name); // added again below: the first queue of the map is the least recently used
    const queue = known ?? new Queue(name, { connection });
    if (known === undefined)
      queue.on('error', (err) => log.debug('Redis connection of an action queue failed', { err }));
    queues.set(name, queue);
    const [oldest] = queues.keys();
    if (queues.size > MAX_OPEN_QUEUES && oldest !== undefined) {
      void queues.get(oldest)?.close();
      queues.delete(oldest);
    }
    return queue;
  }

  return {
    async deliver({ action, body, projectId, id, sequence, kind }, signal) {
      const name = queueNameOf(prefix, projectId, parseAction(action).url.hostname);
      try {
        const data = {
          notification_id: id,
          sequence,
          notification: JSON.parse(body) as unknown,
          ...(kind === 'test' && { test: true }),
        };
        // BullMQ ignores a second job with the same id while the first exists. Later, workers recognise it by the id.
        const add = async (): Promise<void> => {
          // Before the first connection, BullMQ would keep any number of jobs in memory.
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
      if (connection.status !== 'ready') connection.disconnect(); // otherwise close() waits until Redis is back
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}

/** Resolves when Redis is connected, and rejects when the present attempt to connect has failed. */
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

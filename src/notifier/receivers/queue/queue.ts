import { Queue } from 'bullmq';

import { parseAction } from '../../../alarm/action.js';
import type { Logger } from '../../../logger.js';
import { createRedis } from '../../../redis.js';
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

/** `queue://<name>`: a BullMQ queue of the alarm's project, which its own workers consume. Delivered = Redis has acknowledged the job. */
export function createQueueReceiver({ redisUrl, prefix, log }: QueueReceiverDeps): Receiver {
  if (redisUrl === undefined) return { deliver: async () => ({ kind: 'dead', error: 'queue actions are not configured' }) };
  const connection = createRedis(redisUrl, 'command', log);
  const queues = new Map<string, Queue>();

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
    async deliver({ action, body, projectId, id, sequence }) {
      const name = queueNameOf(prefix, projectId, parseAction(action).url.hostname);
      try {
        const data = { notification_id: id, sequence, notification: JSON.parse(body) as unknown };
        // The id makes a second delivery recognisable, and while the first job is still there, it makes no second job.
        await queueFor(name).add('alarm', data, { jobId: `notification-${id}` });
        return { kind: 'delivered' };
      } catch {
        return { kind: 'retry', error: 'connect_failed' };
      }
    },
    async close() {
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}

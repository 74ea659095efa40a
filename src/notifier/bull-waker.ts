import { Queue, Worker } from 'bullmq';

import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import { createRedis, type Redis } from '../redis.js';
import type { Loop } from '../supervisor.js';
import type { NotifierWaker } from './waker.js';

/** So much work per ring, so that several notifiers get up for a lot of it, and so many rings at most. */
const NOTIFICATIONS_PER_RING = 25;
const RINGS_AT_ONCE = 8;

/** A job is a ring: it holds nothing, is tried once and leaves nothing behind. */
const JOB = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/**
 * With the library's defaults (30 s and 30 s) a ring held by a process that died is heard again only after a minute.
 */
const WORKER = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 10, concurrency: 1 } as const;

export function wakeQueueName(prefix: string): string {
  return `${prefix}-waker`;
}

/**
 * Rings in every notifier's house by way of Redis. While Redis is away rings are lost, and the notifiers' sweepers find
 * the work.
 */
export function createBullWaker(deps: {
  redisUrl: string;
  prefix: string;
  log: Logger;
}): NotifierWaker & { close(): Promise<void> } {
  const connection = createRedis(deps.redisUrl, 'command', deps.log);
  const queue = new Queue(wakeQueueName(deps.prefix), { connection, defaultJobOptions: JOB });
  let isHeard = true;
  queue.on('error', (err) => deps.log.debug('waker connection', { err }));

  function unheard(thrown: unknown): void {
    if (isHeard) deps.log.warn('the waker is not heard; notifiers look by themselves', { err: toError(thrown) });
    isHeard = false;
  }

  return {
    wake(notifications) {
      const rings = Math.min(Math.ceil(notifications / NOTIFICATIONS_PER_RING), RINGS_AT_ONCE);
      if (rings === 0) return;
      // The queue would keep rings in memory until its first connection stands, and then ring them all.
      if (connection.status !== 'ready') return unheard(new Error('Redis is not connected'));
      const jobs = Array.from({ length: rings }, () => ({ name: 'ring', data: {} }));
      queue.addBulk(jobs).then(() => {
        isHeard = true;
      }, unheard);
    },
    async close() {
      if (connection.status !== 'ready') connection.disconnect(); // or closing would wait for Redis to come back
      await queue.close();
      connection.disconnect();
    },
  };
}

export interface WakeWorkerDeps {
  redisUrl: string;
  prefix: string;
  clock: Clock;
  log: Logger;
  /**
   * Wakes the notifier; resolves when it has looked and could take more. Until then other notifiers get the next ring.
   */
  onWake: () => Promise<void>;
}

export interface WakeWorker extends Loop {
  /** Makes new connections, in case the old ones wait for an answer that never comes. */
  rebuild(): Promise<void>;
}

/** Listens for rings. */
export function createWakeWorker(deps: WakeWorkerDeps): WakeWorker {
  let current: { worker: Worker; connection: Redis } | undefined;
  let hasEnded = false;

  function open(): void {
    const connection = createRedis(deps.redisUrl, 'worker', deps.log);
    const worker = new Worker(wakeQueueName(deps.prefix), () => deps.onWake(), { ...WORKER, connection });
    worker.on('error', (err) => deps.log.debug('waker worker connection', { err }));
    current = { worker, connection };
  }

  async function close(): Promise<void> {
    const closing = current;
    current = undefined;
    // Forced: a ring in hand is only a ring, and what it was for is in the outbox.
    await closing?.worker
      .close(true)
      .catch((err: unknown) => deps.log.debug('closing the waker worker', { err: toError(err) }));
    closing?.connection.disconnect();
  }

  return {
    name: 'waker',
    async run(signal) {
      open();
      await aborted(signal);
      hasEnded = true;
      await close();
    },
    async rebuild() {
      await close();
      if (!hasEnded) open();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

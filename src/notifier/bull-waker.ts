import { Queue, Worker } from 'bullmq';

import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import { createRedis, type Redis } from '../redis.js';
import type { Loop } from '../supervisor.js';
import type { NotifierWaker } from './waker.js';

/** One wake-up for each such number of notifications, so that a large backlog wakes several notifiers. */
const NOTIFICATIONS_PER_WAKE_UP = 25;
/** Most wake-ups of one call. */
const MAX_WAKE_UPS = 8;

/** A job is one wake-up: without data, tried once, and removed when it ends. */
const JOB = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/** With BullMQ's defaults (30 s and 30 s), a wake-up held by a process that died would be delivered a minute later. */
const WORKER = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 10, concurrency: 1 } as const;

/** Name of the BullMQ queue for wake-ups. `prefix` is the setting redis.prefix. */
export function wakeQueueName(prefix: string): string {
  return `${prefix}-wake`;
}

/**
 * Wakes the notifiers of all processes through Redis. While Redis is unavailable wake-ups are lost, and the outbox
 * sweepers find the due notifications.
 */
export function createBullWaker(deps: {
  redisUrl: string;
  prefix: string;
  pollEveryMs: number;
  log: Logger;
}): NotifierWaker & { close(): Promise<void> } {
  const connection = createRedis(deps.redisUrl, 'command', deps.log);
  const queue = new Queue(wakeQueueName(deps.prefix), { connection, defaultJobOptions: JOB });
  let isAvailable = true;
  queue.on('error', (err) => deps.log.debug('Redis connection of the wake-up queue failed', { err }));

  function onLost(thrown: unknown): void {
    if (isAvailable) {
      const period = `${deps.pollEveryMs / 1000}s`;
      deps.log.warn(`Redis unavailable: notifiers poll every ${period} (notifier.sweep_every)`, {
        err: toError(thrown),
      });
    }
    isAvailable = false;
  }

  return {
    wake(notifications) {
      const wakeUps = Math.min(Math.ceil(notifications / NOTIFICATIONS_PER_WAKE_UP), MAX_WAKE_UPS);
      if (wakeUps === 0) return;
      // Before the first connection, BullMQ would keep all wake-ups in memory and send them at once later.
      if (connection.status !== 'ready') return onLost(new Error('Redis is not connected'));
      const jobs = Array.from({ length: wakeUps }, () => ({ name: 'wake', data: {} }));
      queue.addBulk(jobs).then(() => {
        isAvailable = true;
      }, onLost);
    },
    async close() {
      if (connection.status !== 'ready') connection.disconnect(); // otherwise close() waits until Redis is back
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
   * Wakes the notifier. Resolves when it has searched the outbox and could take more. Until then, other notifiers get
   * the next wake-up.
   */
  onWake: () => Promise<void>;
}

export interface WakeWorker extends Loop {
  /** Opens new connections, in case the old ones wait for an answer that never comes. */
  rebuild(): Promise<void>;
}

/** Receives the wake-ups that `createBullWaker` sends. */
export function createWakeWorker(deps: WakeWorkerDeps): WakeWorker {
  let current: { worker: Worker; connection: Redis } | undefined;
  let hasEnded = false;

  function open(): void {
    const connection = createRedis(deps.redisUrl, 'worker', deps.log);
    const worker = new Worker(wakeQueueName(deps.prefix), () => deps.onWake(), { ...WORKER, connection });
    worker.on('error', (err) => deps.log.debug('Redis connection of the wake-up worker failed', { err }));
    current = { worker, connection };
  }

  async function close(): Promise<void> {
    const closing = current;
    current = undefined;
    // Forced, since a lost wake-up loses nothing: its notifications are in the outbox.
    await closing?.worker
      .close(true)
      .catch((err: unknown) => deps.log.debug('closing the wake-up worker failed', { err: toError(err) }));
    closing?.connection.disconnect();
  }

  return {
    name: 'wake-ups',
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

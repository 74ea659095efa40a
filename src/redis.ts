import { Redis } from 'ioredis';

import { StartupError } from './errors.js';
import type { Logger } from './logger.js';

export type { Redis } from 'ioredis';

const RECONNECT_MAX_MS = 2_000;
const COMMAND_TIMEOUT_MS = 2_000;
/**
 * How long a closed connection waits for the server to close its end. Short, as ioredis waits in full, with a timer
 * that keeps the process alive, whenever the connection was gone already: Redis is away, or the client is closed for
 * the second time.
 */
const DISCONNECT_TIMEOUT_MS = 100;

/**
 * `worker` connections block on Redis and wait for it for ever; `command` connections fail fast while Redis is away,
 * so that a caller can fall back instead of queueing in memory.
 */
export type RedisPurpose = 'worker' | 'command' | 'subscriber';

/** Connects in the background; never throws. Errors are logged once per change, not once per retry. */
export function createRedis(url: string, purpose: RedisPurpose, log: Logger): Redis {
  const client = new Redis(url, {
    maxRetriesPerRequest: purpose === 'command' ? 1 : null,
    enableOfflineQueue: purpose !== 'command',
    ...(purpose === 'command' ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    connectTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, RECONNECT_MAX_MS),
  });
  let up: boolean | undefined;
  client.on('ready', () => {
    if (up === false) log.info('Redis is back', { purpose });
    up = true;
  });
  client.on('error', (err: Error) => {
    if (up !== false) log.warn('Redis is not reachable', { purpose, err });
    up = false;
  });
  return client;
}

/**
 * Queues vanish under any eviction policy but `noeviction`.
 * @throws StartupError naming the setting. A Redis that cannot be asked is no error here: losing Redis is a mode, not
 * an outage.
 */
export async function refuseEvictingRedis(url: string, setting: string, log: Logger): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: COMMAND_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined); // told below, where the call rejects
  let info = '';
  try {
    await client.connect();
    info = await client.info('memory');
  } catch (err) {
    log.warn('could not check the eviction policy of Redis', { setting, err });
  } finally {
    client.disconnect();
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    throw new StartupError(
      `${setting}: Redis has maxmemory-policy ${policy}; Tocsin needs noeviction, or queued work can vanish`,
    );
  }
}

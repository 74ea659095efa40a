import { Redis, type RedisOptions } from 'ioredis';

import { StartupError } from './errors.js';
import type { Logger } from './logger.js';
import { parseSentinelUrl } from './server-urls.js';

export type { Redis } from 'ioredis';

const RECONNECT_MAX_MS = 2_000;
const COMMAND_TIMEOUT_MS = 2_000;
/**
 * How long a client waits for the server to close the connection. Short, since ioredis waits the full time, and keeps
 * the process alive, if the connection is lost already.
 */
const DISCONNECT_TIMEOUT_MS = 100;

/**
 * `worker` and `subscriber` connections wait for Redis without limit. `command` connections fail fast while Redis is
 * unavailable, so that callers fall back instead of queueing commands in memory.
 */
export type RedisPurpose = 'worker' | 'command' | 'subscriber';

/** Connects in the background and never throws. Logs the start and the end of an outage, not every retry. */
export function createRedis(url: string, purpose: RedisPurpose, log: Logger): Redis {
  const client = connectionTo(url, {
    maxRetriesPerRequest: purpose === 'command' ? 1 : null,
    enableOfflineQueue: purpose !== 'command',
    ...(purpose === 'command' ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    connectTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: retryAfter,
    sentinelRetryStrategy: retryAfter,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    // A primary that has become a replica keeps its connections until the sentinels reach it.
    reconnectOnError: (err) => err.message.startsWith('READONLY'),
  });
  let isUp: boolean | undefined;
  client.on('ready', () => {
    if (isUp === false) log.info('Redis available again', { purpose });
    isUp = true;
  });
  client.on('error', (err: Error) => {
    if (isUp !== false) log.warn('Redis unavailable; will reconnect', { purpose, err });
    isUp = false;
  });
  return client;
}

function retryAfter(attempt: number): number {
  return Math.min(50 * 2 ** attempt, RECONNECT_MAX_MS);
}

/** A client of a `redis://` or `rediss://` URL, or of the primary that the sentinels of a `sentinel://` URL name. */
function connectionTo(url: string, options: RedisOptions): Redis {
  const found = parseSentinelUrl(url);
  if (!found) return new Redis(url, options);
  const { sentinels, name, username, password, sentinelPassword, tls } = found;
  return new Redis({
    ...options,
    sentinels,
    name,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  });
}

/**
 * Checks that Redis evicts no keys, since any policy but `noeviction` can delete queues. An unavailable Redis passes,
 * since the service works without it.
 * @throws StartupError that names `setting`.
 */
export async function refuseEvictingRedis(url: string, setting: string, log: Logger): Promise<void> {
  const client = connectionTo(url, {
    lazyConnect: true,
    connectTimeout: COMMAND_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
  });
  client.on('error', () => undefined); // handled below, where the call rejects
  let info = '';
  try {
    await client.connect();
    info = await client.info('memory');
  } catch (err) {
    log.warn('Redis unavailable: its eviction policy was not checked', { setting, err });
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

import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createRedis, refuseEvictingRedis, type Redis } from '../redis.js';
import type { ReleaseStack } from '../release-stack.js';

/** The connections to Redis by which evaluators see each other. */
export interface CoordinationRedis {
  command: Redis;
  subscriber: Redis;
}

/**
 * Checks each configured Redis, and connects to that of the evaluators; undefined without it or without that role.
 * @throws StartupError for a Redis that evicts keys.
 */
export async function openRedis(
  config: Config,
  log: Logger,
  resources: ReleaseStack,
): Promise<CoordinationRedis | undefined> {
  for (const [setting, url] of [
    ['redis.url', config.redis.url] as const,
    ['queue.redis_url', config.queue.redis_url] as const,
  ]) {
    if (url) await refuseEvictingRedis(url.reveal(), setting, log);
  }
  const url = config.redis.url?.reveal();
  if (url === undefined || !config.roles.includes('evaluator')) return undefined;
  const command = createRedis(url, 'command', log);
  const subscriber = createRedis(url, 'subscriber', log);
  resources.push('Redis', () => {
    command.disconnect();
    subscriber.disconnect();
  });
  return { command, subscriber };
}

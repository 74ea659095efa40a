import { createRateLimits, type Rate, type RateLimits } from '../api/http/rate-limits.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createRedis, type Redis } from '../redis.js';
import type { ReleaseStack } from '../release-stack.js';

export interface RateLimitDeps {
  config: Config;
  /** True for an API without authentication that only this machine reaches. */
  isLocal: boolean;
  redis: Redis | undefined;
}

const NO_LIMIT: Rate = { points: 0, seconds: 1 };

/** The Redis in which all API processes count together; undefined without `redis.url`. */
export function openLimitsRedis(config: Config, log: Logger, resources: ReleaseStack): Redis | undefined {
  const url = config.redis.url?.reveal();
  if (url === undefined) return undefined;
  const redis = createRedis(url, 'command', log);
  resources.push('Redis of the rate limits', () => redis.disconnect());
  return redis;
}

/** Opens the rate limits of projects. */
export function openRateLimits({ config, isLocal, redis }: RateLimitDeps): RateLimits {
  const { requests_per_second, writes_per_second, replays_per_minute, tests_per_minute } = config.limits;
  return createRateLimits({
    rates: {
      requests: isLocal ? NO_LIMIT : onAverage(requests_per_second),
      writes: isLocal ? NO_LIMIT : onAverage(writes_per_second),
      replays: { points: replays_per_minute, seconds: 60 },
      tests: { points: tests_per_minute, seconds: 60 },
    },
    redis,
    prefix: config.redis.prefix,
  });
}

/** A rate per second that holds on average of two seconds, so that a short burst passes. */
function onAverage(perSecond: number): Rate {
  return { points: 2 * perSecond, seconds: 2 };
}

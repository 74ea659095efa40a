import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

import { AppError } from '../../errors.js';
import type { Redis } from '../../redis.js';
import type { CountShared } from '../identity/failure-limiter.js';

/** What is limited: every request, those that change something, those that replay, and actions that are tested. */
export type RateKind = 'requests' | 'writes' | 'replays' | 'tests';

/** At most `points` in `seconds`; zero points: no limit. */
export interface Rate {
  points: number;
  seconds: number;
}

/** Limits how often each project may ask. */
export interface RateLimits {
  /** Counts one, or as many as given. @throws AppError `too_many_requests` with the time to wait. */
  count(kind: RateKind, projectId: string | null, points?: number): Promise<void>;
}

export interface RateLimitsOptions {
  rates: Readonly<Record<RateKind, Rate>>;
  /** With it, all API processes count together. While it is unavailable, each counts for itself. */
  redis: Redis | undefined;
  prefix: string;
}

const MS_OF_SECOND = 1_000;
const NO_PROJECT = '-';
const TEXTS: Readonly<Record<RateKind, string>> = {
  requests: 'Too many requests of this project',
  writes: 'Too many changes by this project',
  replays: 'Too many replays by this project',
  tests: 'Too many tests of actions by this project',
};

/** Nothing is limited. */
export const NO_RATE_LIMITS: RateLimits = { count: async () => undefined };

export function createRateLimits({ rates, redis, prefix }: RateLimitsOptions): RateLimits {
  const limiters = new Map<RateKind, RateLimiterAbstract>();
  for (const [kind, { points, seconds: duration }] of Object.entries(rates) as [RateKind, Rate][]) {
    if (points === 0) continue;
    const options = { keyPrefix: `${prefix}:rate:${kind}`, points, duration };
    const local = new RateLimiterMemory(options);
    limiters.set(
      kind,
      redis
        ? new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: local })
        : local,
    );
  }
  return {
    async count(kind, projectId, points = 1) {
      try {
        await limiters.get(kind)?.consume(projectId ?? NO_PROJECT, points);
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown;
        throw new AppError('too_many_requests', TEXTS[kind], { retryAfterS: secondsOf(thrown) });
      }
    },
  };
}

/** Counts failed authentications of addresses in Redis. */
export function countFailuresIn(redis: Redis, prefix: string, perMinute: number): CountShared {
  const limiter = new RateLimiterRedis({
    keyPrefix: `${prefix}:rate:failures`,
    points: perMinute,
    duration: 60,
    storeClient: redis,
    rejectIfRedisNotReady: true,
  });
  return (address) =>
    limiter.consume(address).then(
      () => undefined,
      // Every other error is an outage of Redis, which its client logs.
      (thrown: unknown) => (thrown instanceof RateLimiterRes ? secondsOf(thrown) : undefined),
    );
}

function secondsOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / MS_OF_SECOND));
}

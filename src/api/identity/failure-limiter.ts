import ipaddr from 'ipaddr.js';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';
import { headerIn, type Authenticator, type Credentials } from './identity.js';

/** Dependencies and limit of the failure limiter. */
export interface FailureLimiterDeps {
  clock: Pick<Clock, 'monotonicMs'>;
  /** Failed authentications of one address in a minute after which further failures are answered 429. */
  failuresPerMinute: number;
  /** If set, all API processes count together. */
  countShared?: CountShared | undefined;
}

/**
 * Counts a failure of an address for several processes. Resolves to the seconds to wait if there were too many before
 * it; otherwise to undefined, also if Redis is unavailable.
 */
export type CountShared = (address: string) => Promise<number | undefined>;

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;
const CREDENTIALS = ['x-auth-token', 'x-service-token', 'x-api-key', 'authorization'];
/** A client with one IPv6 address usually has its whole /64 network, so failures are counted by network. */
const IPV6_PREFIX_BYTES = 8;

/**
 * Answers 429 instead of 401 to wrong credentials of an address that has sent too many of them, until one minute after
 * the first. A valid credential always passes: behind a proxy many clients have one address, and none of them may lock
 * the others out. Not counted: requests without a credential, and requests that could not be checked.
 *
 * Each process first counts for itself, and asks Redis for the common count only while its own is within the limit. So
 * an address over the limit costs no request to Redis, and neither does a valid credential.
 */
export function limitFailures(
  authenticate: Authenticator,
  { clock, failuresPerMinute, countShared }: FailureLimiterDeps,
): Authenticator {
  const failures = new ExpiringCache<{ count: number; until: number }>(MAX_ADDRESSES, clock);

  /** Counts a failure in this process. Returns the seconds to wait if there were too many before it. */
  function countHere(address: string): number | undefined {
    const found = failures.get(address) ?? { count: 0, until: clock.monotonicMs() + WINDOW_MS };
    failures.set(address, { ...found, count: found.count + 1 }, found.until);
    return found.count < failuresPerMinute ? undefined : Math.ceil((found.until - clock.monotonicMs()) / 1_000);
  }

  return async (request) => {
    if (!hasCredentials(request)) return authenticate(request);
    try {
      return await authenticate(request);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'unauthenticated') throw thrown;
      const address = networkOf(request.remoteAddress);
      const retryAfterS = countHere(address) ?? (await countShared?.(address));
      if (retryAfterS === undefined) throw thrown;
      throw new AppError('too_many_requests', 'Too many failed authentications from this address', { retryAfterS });
    }
  };
}

function hasCredentials({ headers }: Credentials): boolean {
  return CREDENTIALS.some((name) => headerIn(headers, name) !== undefined);
}

/** The unit by which failures are counted: an IPv4 address, or the network of an IPv6 address. */
export function networkOf(remoteAddress: string): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress;
  const address = ipaddr.process(remoteAddress);
  const bytes = address.toByteArray();
  return bytes.slice(0, address.kind() === 'ipv6' ? IPV6_PREFIX_BYTES : bytes.length).join('.');
}

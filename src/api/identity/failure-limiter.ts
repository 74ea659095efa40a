import ipaddr from 'ipaddr.js';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';
import { headerIn, type Authenticator, type Credentials } from './identity.js';

/** Dependencies and limit of the failure limiter. */
export interface FailureLimiterDeps {
  clock: Pick<Clock, 'monotonicMs'>;
  /** Failed authentications of one address in a minute after which it has to wait. */
  failuresPerMinute: number;
}

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;
const CREDENTIALS = ['x-auth-token', 'x-service-token', 'x-api-key', 'authorization'];
/** A client with one IPv6 address usually has its whole /64 network, so failures are counted by network. */
const IPV6_PREFIX_BYTES = 8;

/**
 * Refuses an address that sent too many wrong credentials until one minute after the first of them, even if it sends a
 * valid one. Not counted: requests without a credential, and requests that could not be checked.
 */
export function limitFailures(
  authenticate: Authenticator,
  { clock, failuresPerMinute }: FailureLimiterDeps,
): Authenticator {
  const failures = new ExpiringCache<{ count: number; until: number }>(MAX_ADDRESSES, clock);

  function refuseTooMany(address: string): void {
    const found = failures.get(address);
    if (!found || found.count < failuresPerMinute) return;
    const retryAfterS = Math.ceil((found.until - clock.monotonicMs()) / 1_000);
    throw new AppError('too_many_requests', 'Too many failed authentications from this address', { retryAfterS });
  }

  function count(address: string): void {
    const found = failures.get(address) ?? { count: 0, until: clock.monotonicMs() + WINDOW_MS };
    failures.set(address, { ...found, count: found.count + 1 }, found.until);
  }

  return async (request) => {
    if (!hasCredentials(request)) return authenticate(request);
    const address = sourceOf(request.remoteAddress);
    refuseTooMany(address);
    try {
      return await authenticate(request);
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'unauthenticated') count(address);
      throw thrown;
    }
  };
}

function hasCredentials({ headers }: Credentials): boolean {
  return CREDENTIALS.some((name) => headerIn(headers, name) !== undefined);
}

function sourceOf(remoteAddress: string): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress;
  const address = ipaddr.process(remoteAddress);
  const bytes = address.toByteArray();
  return bytes.slice(0, address.kind() === 'ipv6' ? IPV6_PREFIX_BYTES : bytes.length).join('.');
}

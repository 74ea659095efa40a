import ipaddr from 'ipaddr.js';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';
import { headerIn, type Authenticator, type Credentials } from './identity.js';

/** Dependencies and limit of a failure counter. */
export interface FailureCounterDeps {
  clock: Pick<Clock, 'monotonicMs'>;
  /** Failures of one subject in a minute after which further ones are too many. */
  failuresPerMinute: number;
  /** If set, all API processes count together. */
  countShared?: CountShared | undefined;
}

/**
 * Counts a failure of a subject, such as an address, for several processes. Resolves to the seconds to wait if there
 * were too many before it; otherwise to undefined, also if Redis is unavailable.
 */
export type CountShared = (subject: string) => Promise<number | undefined>;

const WINDOW_MS = 60_000;
const MAX_SUBJECTS = 10_000;
const CREDENTIALS = ['x-auth-token', 'x-service-token', 'x-api-key', 'authorization'];
/** A client with one IPv6 address usually has its whole /64 network, so failures are counted by network. */
const IPV6_PREFIX_BYTES = 8;

/**
 * Counts failures of subjects, such as addresses, until one minute after the first. Each process first counts for
 * itself, and asks Redis for the common count only while its own is within the limit. So a subject over the limit costs
 * no request to Redis.
 */
export class FailureCounter {
  readonly #failures: ExpiringCache<{ count: number; until: number }>;

  constructor(private readonly deps: FailureCounterDeps) {
    this.#failures = new ExpiringCache(MAX_SUBJECTS, deps.clock);
  }

  /** Counts a failure. Resolves to the seconds to wait if there were too many before it; otherwise to undefined. */
  async count(subject: string): Promise<number | undefined> {
    const found = this.#failures.get(subject) ?? { count: 0, until: this.deps.clock.monotonicMs() + WINDOW_MS };
    this.#failures.set(subject, { ...found, count: found.count + 1 }, found.until);
    return this.#waitAfter(found) ?? this.deps.countShared?.(subject);
  }

  /** The seconds to wait if this process has counted too many failures of the subject; otherwise undefined. */
  waitOf(subject: string): number | undefined {
    const found = this.#failures.get(subject);
    return found && this.#waitAfter(found);
  }

  #waitAfter({ count, until }: { count: number; until: number }): number | undefined {
    const { clock, failuresPerMinute } = this.deps;
    return count < failuresPerMinute ? undefined : Math.ceil((until - clock.monotonicMs()) / 1_000);
  }
}

/**
 * Answers 429 instead of 401 to wrong credentials of an address that has sent too many of them. A valid credential
 * always passes: behind a proxy many clients have one address, and none of them may lock the others out. Not counted:
 * requests without a credential, and requests that could not be checked.
 */
export function limitFailures(authenticate: Authenticator, failures: FailureCounter): Authenticator {
  return async (request) => {
    if (!hasCredentials(request)) return authenticate(request);
    try {
      return await authenticate(request);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'unauthenticated') throw thrown;
      throw (await tooManyFailures(failures, request)) ?? thrown;
    }
  };
}

/** Counts a failure of the address of a request. Resolves to the refusal if there were too many before it. */
export async function tooManyFailures(
  failures: FailureCounter,
  { remoteAddress }: Pick<Credentials, 'remoteAddress'>,
): Promise<AppError | undefined> {
  const retryAfterS = await failures.count(networkOf(remoteAddress));
  if (retryAfterS === undefined) return undefined;
  return new AppError('too_many_requests', 'Too many failed authentications from this address', { retryAfterS });
}

/** True if the request has a credential in a header, valid or not. Cookies are not counted. */
export function hasCredentials({ headers }: Credentials): boolean {
  return CREDENTIALS.some((name) => headerIn(headers, name) !== undefined);
}

/** The unit by which failures are counted: an IPv4 address, or the network of an IPv6 address. */
export function networkOf(remoteAddress: string): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress;
  const address = ipaddr.process(remoteAddress);
  const bytes = address.toByteArray();
  return bytes.slice(0, address.kind() === 'ipv6' ? IPV6_PREFIX_BYTES : bytes.length).join('.');
}

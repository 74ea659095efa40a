import { AppError, toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { KeystoneTrusts } from '../keystone/trusts.js';
import type { Delivery, DeliveryOutcome } from './receivers/receiver.js';

/** The logins that receivers need. They reject with AppError `unavailable` while Keystone is unavailable. */
export type CloudLogins = Pick<KeystoneTrusts, 'asTrustor' | 'asService'>;

/** A login at Keystone: a token, and the endpoints of the services that accept it. */
type CloudLogin = NonNullable<Awaited<ReturnType<CloudLogins[keyof CloudLogins]>>>;

/** What receivers need that log in at Keystone. */
export interface TrustDeps {
  /** Undefined if no Keystone is configured. */
  logins: CloudLogins | undefined;
  /** Id of the alarm's Keystone trust; undefined if it has none, or its trust belongs to another project. */
  trustOf: (alarmId: string, projectId: string | null) => Promise<string | undefined>;
  log: Logger;
}

type Attempt = (login: CloudLogin) => Promise<DeliveryOutcome>;

const NOT_CONFIGURED: DeliveryOutcome = { kind: 'dead', error: 'Keystone is not configured' };
const KEYSTONE_UNAVAILABLE: DeliveryOutcome = { kind: 'retry', error: 'keystone_unavailable' };

/** Makes one attempt with a token of the alarm's trust. */
export async function withTrust(
  { logins, trustOf, log }: TrustDeps,
  delivery: Delivery,
  attempt: Attempt,
): Promise<DeliveryOutcome> {
  if (!logins) return NOT_CONFIGURED;
  const { alarmId, projectId } = delivery;
  let trustId: string | undefined;
  try {
    trustId = await trustOf(alarmId, projectId);
  } catch (thrown) {
    log.error('could not read the trust of an alarm; the attempt will be repeated', { alarmId, err: toError(thrown) });
    return { kind: 'retry', error: 'internal' };
  }
  if (trustId === undefined) return { kind: 'dead', error: 'no_trust' };
  const id = trustId;
  return withLogin(() => logins.asTrustor(id), attempt);
}

/** Makes one attempt with a token of the service's own user. */
export async function asService(logins: CloudLogins | undefined, attempt: Attempt): Promise<DeliveryOutcome> {
  return logins ? withLogin((fresh) => logins.asService({ fresh }), attempt) : NOT_CONFIGURED;
}

/** A token may be revoked after it was issued. So after an answer 401 the attempt is made again with a new token. */
async function withLogin(
  login: (fresh: boolean) => Promise<CloudLogin | null>,
  attempt: Attempt,
): Promise<DeliveryOutcome> {
  try {
    const outcome = await attemptWith(await login(false), attempt);
    return outcome.httpStatus === 401 ? await attemptWith(await login(true), attempt) : outcome;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unavailable') return KEYSTONE_UNAVAILABLE;
    throw thrown;
  }
}

async function attemptWith(login: CloudLogin | null, attempt: Attempt): Promise<DeliveryOutcome> {
  return login ? attempt(login) : { kind: 'dead', error: 'trust_refused' };
}

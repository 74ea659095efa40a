import { AppError, toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { CloudLogin, CloudLogins } from './cloud.js';
import type { Delivery, DeliveryOutcome } from './receivers/receiver.js';

export interface TrustDeps {
  /** Undefined where no Keystone is configured. */
  logins: CloudLogins | undefined;
  /** The Keystone trust of an alarm, if it has one and it is that project's. */
  trustOf: (alarmId: string, projectId: string | null) => Promise<string | undefined>;
  log: Logger;
}

type Attempt = (login: CloudLogin) => Promise<DeliveryOutcome>;

const NOT_CONFIGURED: DeliveryOutcome = { kind: 'dead', error: 'Keystone is not configured' };
const KEYSTONE_AWAY: DeliveryOutcome = { kind: 'retry', error: 'keystone_unavailable' };

/** One attempt with the rights that the alarm's trust lends. */
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
    log.error('the trust of an alarm cannot be read', { alarmId, err: toError(thrown) });
    return { kind: 'retry', error: 'internal' };
  }
  if (trustId === undefined) return { kind: 'dead', error: 'no_trust' };
  const id = trustId;
  return withLogin(() => logins.asTrustor(id), attempt);
}

/** One attempt with the service's own rights. */
export async function asService(logins: CloudLogins | undefined, attempt: Attempt): Promise<DeliveryOutcome> {
  return logins ? withLogin((fresh) => logins.asService({ fresh }), attempt) : NOT_CONFIGURED;
}

/** A token can have been revoked since it was issued: who answers 401 is asked once more, with a new one. */
async function withLogin(
  login: (fresh: boolean) => Promise<CloudLogin | null>,
  attempt: Attempt,
): Promise<DeliveryOutcome> {
  try {
    const outcome = await attemptWith(await login(false), attempt);
    return outcome.httpStatus === 401 ? await attemptWith(await login(true), attempt) : outcome;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unavailable') return KEYSTONE_AWAY;
    throw thrown;
  }
}

async function attemptWith(login: CloudLogin | null, attempt: Attempt): Promise<DeliveryOutcome> {
  return login ? attempt(login) : { kind: 'dead', error: 'trust_refused' };
}

import { createTrustActions, type TrustActions } from '../api/alarms/trust-actions.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { AppError } from '../errors.js';
import type { Chore } from '../housekeeping.js';
import type { KeystoneSession } from '../keystone/session.js';
import { createTrusts } from '../keystone/trusts.js';
import type { Logger } from '../logger.js';
import type { CloudAccess } from '../notifier/receivers/registry.js';
import type { Database } from '../storage/database.js';
import { createTrustStore } from '../storage/secrets/trust-store.js';
import { createTrustTidier, TRUSTS_AT_ONCE } from './left-over-trusts.js';
import { openSealer } from './open-sealer.js';
import { cloudCertificates } from './open-keystone.js';

const TIDY_EVERY_MS = 600_000;

/** Dependencies of trusts. */
export interface TrustRoleDeps {
  config: Config;
  db: Database;
  keystone: KeystoneSession | undefined;
}

/** The reason why this configuration cannot run `trust+` actions; undefined if it can. */
export function trustRefusal({ config, keystone }: Omit<TrustRoleDeps, 'db'>): string | undefined {
  if (!keystone)
    return (
      'trust+ actions need a Keystone token, and keystone.auth_url with ' +
      'keystone.username and keystone.password is not set'
    );
  if (config.keystone.application_credential_id !== undefined) {
    return (
      'trust+ actions need keystone.username and keystone.password: Keystone ' +
      'gives no token of a trust for an application credential'
    );
  }
  return openSealer(config).refusal;
}

/** Trusts for the API, which creates, keeps and deletes them with their alarms. */
export function openTrustActions(
  deps: TrustRoleDeps & { clock: Clock; log: Logger; newId: () => string },
): TrustActions {
  const { config, db, keystone, clock, log, newId } = deps;
  const trusts = keystone ? createTrusts(keystone) : NO_KEYSTONE;
  return createTrustActions({
    trusts,
    alarmTrusts: createTrustStore(db, openSealer(config)),
    now: () => clock.now(),
    newId,
    log,
  });
}

/** The chore that deletes trusts that could not be deleted before; undefined without Keystone. */
export function trustChore({ config, db, keystone, log }: TrustRoleDeps & { log: Logger }): Chore | undefined {
  if (!keystone) return undefined;
  const store = createTrustStore(db, openSealer(config));
  const run = createTrustTidier({ trusts: createTrusts(keystone), store, log });
  return { name: 'trusts', everyMs: TIDY_EVERY_MS, batch: TRUSTS_AT_ONCE, run };
}

/** Trusts for the notifier, which reads the one of an alarm when an action of that alarm needs it. */
export function openCloudAccess({ config, db, keystone }: TrustRoleDeps): CloudAccess {
  const store = createTrustStore(db, openSealer(config));
  return {
    logins: keystone && createTrusts(keystone),
    async trustOf(alarmId, projectId) {
      const trust = await store.ofAlarm(alarmId);
      return trust?.projectId === projectId ? store.reveal(trust).trustId : undefined;
    },
    ca: cloudCertificates(config),
    overHttp: config.notifier.trust_actions_over_http,
  };
}

const notConfigured = async (): Promise<never> => {
  throw new AppError('unavailable', 'No Keystone is configured');
};
const NO_KEYSTONE = { create: notConfigured, remove: notConfigured };

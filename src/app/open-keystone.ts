import { readFileSync } from 'node:fs';

import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { StartupError, toError } from '../errors.js';
import type { KeystoneLogin } from '../keystone/own-token.js';
import { createKeystoneSession, type KeystoneSession } from '../keystone/session.js';
import type { Logger } from '../logger.js';

/**
 * Creates this service's login at Keystone; undefined if Keystone is not configured. Sends no request yet, since
 * Keystone may start later than this service.
 */
export function openKeystone(
  { keystone }: Pick<Config, 'keystone'>,
  deps: { clock: Pick<Clock, 'monotonicMs' | 'sleep'>; log: Logger },
): KeystoneSession | undefined {
  const { auth_url, timeout, deadline, region } = keystone;
  const login = loginOf(keystone);
  if (auth_url === undefined || login === undefined) return undefined;
  const ca = cloudCertificates({ keystone });
  const times = { timeoutMs: timeout, deadlineMs: deadline };
  return createKeystoneSession({ authUrl: auth_url, ...times, ca, login, region, interface: keystone.interface }, deps);
}

function loginOf(keystone: Config['keystone']): KeystoneLogin | undefined {
  const { username, password, application_credential_id: id, application_credential_secret: secret } = keystone;
  if (id !== undefined && secret) return { kind: 'application-credential', id, secret };
  if (username === undefined || !password) return undefined;
  const { user_domain_name, project_name, project_domain_name } = keystone;
  return {
    kind: 'password',
    username,
    password,
    userDomainName: user_domain_name,
    projectName: project_name,
    projectDomainName: project_domain_name,
  };
}

/** Certificates in PEM that are trusted for cloud services besides the system's. @throws StartupError. */
export function cloudCertificates({ keystone: { ca_file: file } }: Pick<Config, 'keystone'>): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartupError(`keystone.ca_file: cannot read ${file}: ${toError(cause).message}`, { cause });
  }
}

import { countFailuresIn } from '../api/http/rate-limits.js';
import { API_KEY_CHALLENGE, createApiKeyAuthenticator } from '../api/identity/api-key.js';
import { createEitherAuthenticator } from '../api/identity/either-credential.js';
import { FailureCounter, limitFailures, type CountShared } from '../api/identity/failure-limiter.js';
import type { Authenticator } from '../api/identity/identity.js';
import { createKeystoneAuthenticator, keystoneChallenge } from '../api/identity/keystone.js';
import { createNoauthAuthenticator, refuseForeignPages } from '../api/identity/noauth.js';
import { createSessionAuthenticator, SessionKeeper } from '../api/identity/sessions.js';
import { createSignIn } from '../api/identity/sign-in.js';
import { createTokenValidator } from '../api/identity/token-validator.js';
import type { ApiKeyCredentials, Sessions } from '../api/ports.js';
import type { ApiDeps } from '../api/api-routes.js';
import type { Clock } from '../clock.js';
import type { AuthMode, Config } from '../config/schema.js';
import { StartupError } from '../errors.js';
import type { KeystoneSession } from '../keystone/session.js';
import { userToken } from '../keystone/user-token.js';
import type { Logger } from '../logger.js';
import type { Redis } from '../redis.js';
import { refuseOpenNoauth } from './noauth-guard.js';

/** Dependencies of the API's authentication. */
export interface AuthenticationDeps {
  config: Config;
  clock: Clock;
  log: Logger;
  apiKeys: ApiKeyCredentials;
  sessions: Sessions;
  keystone: KeystoneSession | undefined;
  /** If set, all API processes count failed authentications together. */
  redis: Redis | undefined;
}

/** The parts of the API that depend on `auth.mode`. */
export interface Authentication extends Pick<
  ApiDeps,
  'authenticate' | 'authMode' | 'signIn' | 'trustsIdentityHeaders' | 'challenge' | 'refuse'
> {
  /** For readiness: the mode; `noauth-exposed` if an API without authentication accepts remote clients. */
  detail: AuthMode | 'noauth-exposed';
}

const SECOND_MS = 1_000;

/**
 * Creates the authentication of `auth.mode`.
 * @throws StartupError in mode noauth if `api.host` is not a loopback address and the operator did not allow that.
 */
export async function createAuthentication(deps: AuthenticationDeps): Promise<Authentication> {
  const { config, clock } = deps;
  const { mode, failures_per_minute: failuresPerMinute } = config.auth;
  if (mode === 'noauth') return noauth(deps);
  const byKeystone = mode === 'apikey' ? undefined : keystoneAuthenticator(deps);
  const byKey = mode === 'keystone' ? undefined : createApiKeyAuthenticator({ ...deps, keys: deps.apiKeys });
  const authenticate =
    byKeystone && byKey ? createEitherAuthenticator({ apiKey: byKey, keystone: byKeystone }) : (byKeystone ?? byKey);
  if (!authenticate) throw new Error(`auth.mode ${mode} has no authenticator`);
  const { public_url, auth_url } = config.keystone;
  const failures = new FailureCounter({ clock, failuresPerMinute, countShared: sharedCounter(deps) });
  const keeper = new SessionKeeper(deps);
  return {
    authenticate: createSessionAuthenticator({
      keeper,
      authenticate: limitFailures(authenticate, failures),
      authenticateSession: authenticate,
    }),
    authMode: mode,
    signIn: createSignIn({
      mode,
      authenticate,
      userToken: (login) => userToken(keystoneOf(deps), login),
      keeper,
      failures,
      wrongPasswords: new FailureCounter({ clock, failuresPerMinute }),
      clock,
    }),
    trustsIdentityHeaders: false,
    challenge: byKeystone ? keystoneChallenge(public_url ?? auth_url ?? '') : API_KEY_CHALLENGE,
    refuse: () => undefined,
    detail: mode,
  };
}

function sharedCounter({ config, redis }: AuthenticationDeps): CountShared | undefined {
  return redis && countFailuresIn(redis, config.redis.prefix, config.auth.failures_per_minute);
}

async function noauth({ config, log }: AuthenticationDeps): Promise<Authentication> {
  const { host, i_understand_noauth_is_open } = config.api;
  const exposed = await refuseOpenNoauth(host, i_understand_noauth_is_open);
  if (exposed)
    log.warn('the API has no authentication and accepts remote clients: every client is an admin (auth.mode)', {
      host,
    });
  return {
    authenticate: createNoauthAuthenticator(),
    authMode: 'noauth',
    signIn: undefined,
    trustsIdentityHeaders: true,
    refuse: (request) => refuseForeignPages(request, { exposed }),
    detail: exposed ? 'noauth-exposed' : 'noauth',
  };
}

/** @throws StartupError if Keystone is not configured. */
function keystoneOf({ config, keystone }: AuthenticationDeps): KeystoneSession {
  if (!keystone) throw new StartupError(`auth.mode: ${config.auth.mode} needs the settings of the section keystone`);
  return keystone;
}

function keystoneAuthenticator(deps: AuthenticationDeps): Authenticator {
  const { config, clock, log } = deps;
  const keystone = keystoneOf(deps);
  const { token_cache_time, service_type, service_token_roles } = config.keystone;
  return createKeystoneAuthenticator({
    tokens: createTokenValidator({ keystone, clock, log, cacheTimeMs: token_cache_time * SECOND_MS }),
    adminRoles: config.auth.admin_roles,
    serviceType: service_type,
    serviceTokenRoles: service_token_roles,
  });
}

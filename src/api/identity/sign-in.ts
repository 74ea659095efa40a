import { createHash } from 'node:crypto';

import type { Clock } from '../../clock.js';
import type { AuthMode } from '../../config/schema.js';
import { AppError } from '../../errors.js';
import type { UserLogin } from '../../keystone/user-token.js';
import type { SessionRequest } from '../schema/session-request.js';
import { parseApiKey } from './api-key-form.js';
import { networkOf, tooManyFailures, type FailureCounter } from './failure-limiter.js';
import { unauthenticated, type Authenticator, type Credentials, type Identity } from './identity.js';
import type { SessionCredential } from './session-secret.js';
import type { SessionKeeper } from './sessions.js';

/** Dependencies of the sign-in. */
export interface SignInDeps {
  mode: AuthMode;
  /** Authenticates by a credential, and counts no failures. */
  authenticate: Authenticator;
  /** Gets a token with a user's password; null if Keystone refuses it. */
  userToken: (login: UserLogin) => Promise<string | null>;
  keeper: Pick<SessionKeeper, 'begin' | 'end'>;
  /** Failures of addresses, which requests with credentials of their own share, and of accounts. */
  failures: FailureCounter;
  /** Wrong passwords of an account from one address. */
  wrongPasswords: FailureCounter;
  clock: Pick<Clock, 'now'>;
}

/** A session that has begun. */
export interface BegunSession {
  identity: Identity;
  /** The value of its cookie. */
  secret: string;
}

/** Signing in to the console and out of it. */
export interface SignIn {
  /**
   * Begins a session.
   * @throws AppError `not_authorized` if the credentials are wrong, `too_many_requests`, `unavailable` if Keystone is,
   *   `invalid_request` for credentials that `auth.mode` does not accept, or that have no project.
   */
  begin(request: SessionRequest, credentials: Credentials): Promise<BegunSession>;
  end(sessionId: string): Promise<void>;
}

/** A session ends after this time, if its credential does not end before. */
export const SESSION_LIFE_MS = 12 * 3_600_000;

/** Creates the sign-in of every mode but noauth. */
export function createSignIn(deps: SignInDeps): SignIn {
  return {
    async begin(request, credentials) {
      refuseOtherModes(deps.mode, request);
      const account = accountOf(request);
      const { credential, identity } = await verified(deps, request, credentials).catch(async (thrown: unknown) => {
        throw isWrongCredential(thrown) ? await refusalOf(deps, { account, credentials }) : thrown;
      });
      if (identity.projectId === null || identity.isSystemScoped) throw withoutProject(request);
      const endsAt = endOf(identity, deps.clock.now());
      const { id, secret } = await deps.keeper.begin({ credential, account: ownerOf(identity), endsAt });
      return { identity: { ...identity, session: { id, endsAt } }, secret };
    },
    end: (sessionId) => deps.keeper.end(sessionId),
  };
}

interface Verified {
  credential: SessionCredential;
  identity: Identity;
}

/** Checks the credentials as those of a request to this path. @throws AppError `unauthenticated`. */
async function verified(deps: SignInDeps, request: SessionRequest, credentials: Credentials): Promise<Verified> {
  const credential = await credentialOf(deps, request, credentials);
  const headers = { [credential.header]: credential.value };
  return { credential, identity: await deps.authenticate({ ...credentials, headers }) };
}

async function credentialOf(
  { userToken, wrongPasswords }: SignInDeps,
  { api_key, token, name, password, project, domain }: SessionRequest,
  { remoteAddress }: Credentials,
): Promise<SessionCredential> {
  if (api_key !== null) return { header: 'x-api-key', value: api_key };
  if (token !== null) return { header: 'x-auth-token', value: token };
  const login = { name: name ?? '', password: password ?? '', project: project ?? undefined, domain };
  // A password can be guessed. So from one address, Keystone is not asked again about an account with many failures,
  // also because it may lock the account.
  const subject = `${accountNamed(login)} ${networkOf(remoteAddress)}`;
  const retryAfterS = wrongPasswords.waitOf(subject);
  if (retryAfterS !== undefined) throw tooManyOfAccount(retryAfterS);
  const issued = await userToken(login);
  if (issued === null) {
    await wrongPasswords.count(subject);
    throw unauthenticated();
  }
  return { header: 'x-auth-token', value: issued };
}

function isWrongCredential(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'unauthenticated';
}

/** Counts a failure. The text is the same for an unknown account and for a wrong secret. */
async function refusalOf(
  { failures }: SignInDeps,
  { account, credentials }: { account: string | undefined; credentials: Credentials },
): Promise<AppError> {
  const ofAddress = await tooManyFailures(failures, credentials);
  const retryAfterS = account === undefined ? undefined : await failures.count(account);
  if (ofAddress) return ofAddress;
  if (retryAfterS !== undefined) return tooManyOfAccount(retryAfterS);
  return new AppError('not_authorized', 'Wrong credentials: the key, the token, or the name, password and project');
}

function tooManyOfAccount(retryAfterS: number): AppError {
  return new AppError('too_many_requests', 'Too many failed authentications of this account', { retryAfterS });
}

/** The account whose failures are counted; undefined for a token, which names none. */
function accountOf({ api_key, name, domain }: SessionRequest): string | undefined {
  if (api_key !== null) {
    const id = parseApiKey(api_key)?.id;
    return id === undefined ? undefined : `account key ${id}`;
  }
  return name === null ? undefined : accountNamed({ name, domain });
}

/** Keystone compares names without regard to letter case. Redis has ids only, so the name is hashed. */
function accountNamed({ name, domain }: Pick<UserLogin, 'name' | 'domain'>): string {
  const named = JSON.stringify([domain.toLowerCase(), name.toLowerCase()]);
  return `account user ${createHash('sha256').update(named).digest('hex')}`;
}

/** The account whose sessions are limited in number. */
function ownerOf({ apiKey, userId }: Identity): string {
  return apiKey ? `key ${apiKey.id}` : `user ${userId ?? ''}`;
}

function endOf({ expiresAt }: Identity, now: Date): Date {
  return new Date(Math.min(now.getTime() + SESSION_LIFE_MS, expiresAt?.getTime() ?? Infinity));
}

/** @throws AppError if `auth.mode` does not accept this kind of credential. */
function refuseOtherModes(mode: AuthMode, { api_key }: SessionRequest): void {
  if (api_key !== null && mode === 'keystone')
    throw new AppError('invalid_request', 'auth.mode is keystone: sign in with name and password, or with a token');
  if (api_key === null && mode === 'apikey')
    throw new AppError('invalid_request', 'auth.mode is apikey: sign in with an API key (api_key)');
}

function withoutProject({ name }: SessionRequest): AppError {
  return new AppError(
    'invalid_request',
    name === null
      ? 'The token belongs to no project: sign in with a token that is scoped to a project'
      : 'Invalid input for field/attribute project. The user has no default project in Keystone: name a project',
  );
}

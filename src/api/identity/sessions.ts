import { ExpiringCache } from '../../cache/expiring-cache.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { StoredSession } from '../../storage/secrets/session-store.js';
import type { Sessions } from '../ports.js';
import { twoCredentials } from './api-key.js';
import { hasCredentials } from './failure-limiter.js';
import { unauthenticated, type Authenticator, type Credentials } from './identity.js';
import { isFromOwnPage, isFromScript, sessionCookieIn } from './session-cookie.js';
import {
  generateSessionSecret,
  isSessionSecret,
  openCredential,
  sealCredential,
  sessionIdOf,
  type SessionCredential,
} from './session-secret.js';

/** A session whose cookie the caller has. */
export interface OpenSession {
  id: string;
  credential: SessionCredential;
  endsAt: Date;
}

/** A session to begin. */
export interface SessionStart {
  credential: SessionCredential;
  /** The API key or the user, whose sessions are limited in number. */
  account: string;
  endsAt: Date;
}

export interface SessionKeeperDeps {
  sessions: Sessions;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
}

const MAX_CACHED = 10_000;
/** Every process must refuse an ended session within five seconds. This leaves two seconds for a slow statement. */
const CACHE_MS = 3_000;

/** Begins, finds and ends sessions. They are in the database, so all API processes have the same. */
export class SessionKeeper {
  readonly #found: ExpiringCache<OpenSession>;

  constructor(private readonly deps: SessionKeeperDeps) {
    this.#found = new ExpiringCache(MAX_CACHED, deps.clock);
  }

  /** Stores a session, and returns the secret for its cookie. */
  async begin({ credential, account, endsAt }: SessionStart): Promise<{ id: string; secret: string }> {
    const secret = generateSessionSecret();
    const id = sessionIdOf(secret);
    const sealed = sealCredential(secret, credential);
    await this.deps.sessions.create({ id, sealed, account, createdAt: this.deps.clock.now(), endsAt });
    return { id, secret };
  }

  /** Returns the session of a cookie; undefined if it has ended. */
  async find(secret: string): Promise<OpenSession | undefined> {
    if (!isSessionSecret(secret)) return undefined;
    const id = sessionIdOf(secret);
    const requestedAt = this.deps.clock.monotonicMs();
    const found = this.#found.get(id) ?? opened(secret, await this.deps.sessions.find(id));
    if (!found || found.endsAt <= this.deps.clock.now()) return undefined;
    if (!this.#found.get(id)) this.#found.set(id, found, requestedAt + CACHE_MS);
    return found;
  }

  /** Ends a session: in this process at once, in others within five seconds. */
  async end(id: string): Promise<void> {
    await this.deps.sessions.remove(id);
    this.#found.delete(id);
  }
}

/** A row that was changed in the database opens nothing: its session has ended. */
function opened(secret: string, stored: StoredSession | undefined): OpenSession | undefined {
  if (!stored) return undefined;
  try {
    return { id: stored.id, credential: openCredential(secret, stored.sealed), endsAt: stored.endsAt };
  } catch {
    return undefined;
  }
}

/** Dependencies of the authenticator that accepts sessions. */
export interface SessionAuthenticatorDeps {
  keeper: Pick<SessionKeeper, 'find'>;
  /** Authenticates requests without a session. */
  authenticate: Authenticator;
  /**
   * Authenticates by the credential of a session. It does not count failures: a secret of 256 bits cannot be guessed,
   * and a page whose session has ended must not have its address told to wait.
   */
  authenticateSession: Authenticator;
}

/**
 * Authenticates by the cookie of a session, or else by other credentials. The session's credential is checked in each
 * request as if the request had presented it, so that the session ends with it.
 */
export function createSessionAuthenticator(deps: SessionAuthenticatorDeps): Authenticator {
  return async (request) => {
    const secret = sessionCookieIn(request);
    if (secret === undefined) return deps.authenticate(request);
    if (hasCredentials(request)) throw twoCredentials();
    refuseForgedRequest(request);
    const session = await deps.keeper.find(secret);
    if (!session) throw unauthenticated();
    const { id, credential, endsAt } = session;
    const { cookie: _, ...headers } = request.headers;
    const presented = { ...request, headers: { ...headers, [credential.header]: credential.value } };
    return { ...(await deps.authenticateSession(presented)), session: { id, endsAt } };
  };
}

const SAFE_METHODS = new Set(['GET', 'HEAD']);

/** A browser adds the cookie to requests of any page. It counts only in those of this service's own pages. */
function refuseForgedRequest(request: Credentials): void {
  if (!isFromOwnPage(request)) {
    throw notCounted('only with Sec-Fetch-Site: same-origin or, without that header, an Origin that is this service');
  }
  if (!SAFE_METHODS.has(request.method) && !isFromScript(request.headers)) {
    throw notCounted('in requests that are not a GET only with the header X-Tocsin-Console');
  }
}

function notCounted(condition: string): AppError {
  return new AppError('unauthenticated', `The session's cookie counts ${condition}`);
}

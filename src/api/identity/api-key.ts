import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { Clock } from '../../clock.js';
import { AppError, toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { ApiKeyCredential } from '../../storage/secrets/api-key-store.js';
import type { Challenge } from '../http/error-handler.js';
import type { ApiKeyCredentials } from '../ports.js';
import { parseApiKey, type ApiKeyParts } from './api-key-form.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';
import { headerIn, unauthenticated, type Authenticator, type Credentials, type Identity } from './identity.js';

export interface ApiKeyAuthenticatorDeps {
  keys: ApiKeyCredentials;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
  log: Logger;
}

const MAX_CACHED = 10_000;
/** A revoked key is refused in every process after five seconds at the latest; this leaves two for a slow statement. */
const CACHE_MS = 3_000;
const HOUR_MS = 3_600_000;
/** Compared with when there is no key of that id, so that a wrong id costs what a wrong secret does. */
const NO_HASH = '0'.repeat(64);

/** `Authorization: Bearer <key>` or `X-API-Key: <key>`. What is wrong with a key nobody is told. */
export function createApiKeyAuthenticator({ keys, clock, log }: ApiKeyAuthenticatorDeps): Authenticator {
  const proven = new ExpiringCache<ApiKeyCredential>(MAX_CACHED, clock);

  /** Only keys that were proven right are remembered: a wrong secret finds nothing there, like a wrong id. */
  async function credentialOf({ id, secretHash }: ApiKeyParts): Promise<ApiKeyCredential | undefined> {
    const cacheKey = `${id} ${secretHash}`;
    const cached = proven.get(cacheKey);
    if (cached) return cached;
    const askedAt = clock.monotonicMs();
    const found = await keys.credential(id);
    const isRight = timingSafeEqual(Buffer.from(found?.secretHash ?? NO_HASH), Buffer.from(secretHash));
    if (!found || !isRight || found.revokedAt !== null) return undefined;
    proven.set(cacheKey, found, askedAt + CACHE_MS);
    recordUse(found);
    return found;
  }

  /** The request does not wait for it, and does not fail when it fails. */
  function recordUse({ id, lastUsedAt }: ApiKeyCredential): void {
    const hour = new Date(Math.floor(clock.now().getTime() / HOUR_MS) * HOUR_MS);
    if (lastUsedAt !== null && lastUsedAt >= hour) return;
    keys
      .recordUse(id, hour)
      .catch((cause: unknown) => log.warn('the use of an API key was not noted', { keyId: id, err: toError(cause) }));
  }

  return async (request) => {
    const parts = parseApiKey(apiKeyIn(request.headers) ?? '');
    const found = parts && (await credentialOf(parts));
    const isOver = found?.expiresAt && found.expiresAt <= clock.now();
    if (!found || isOver) throw unauthenticated();
    if (found.allProjects) audit(log, found, request);
    return identityOf(found);
  };
}

/** The text that is presented as a key, whatever it is. @throws AppError when there are two. */
export function apiKeyIn(headers: IncomingHttpHeaders): string | undefined {
  const own = headerIn(headers, 'x-api-key');
  const bearer = /^Bearer\s+(.*)$/i.exec(headerIn(headers, 'authorization') ?? '')?.[1];
  if (own !== undefined && bearer !== undefined) throw twoCredentials();
  return own ?? bearer;
}

export function twoCredentials(): AppError {
  return new AppError('invalid_request', 'The request has more than one credential; send one');
}

function identityOf({ userId, projectId, role, allProjects }: ApiKeyCredential): Identity {
  return { userId, projectId, role, roleNames: [role], ...(allProjects ? {} : { isBoundToProject: true }) };
}

function audit(log: Logger, { id, userId }: ApiKeyCredential, { method, path, remoteAddress }: Credentials): void {
  log.info('an API key for all projects was used', { audit: true, keyId: id, userId, method, path, remoteAddress });
}

export const API_KEY_CHALLENGE: Challenge = { header: 'Bearer realm="tocsin"' };

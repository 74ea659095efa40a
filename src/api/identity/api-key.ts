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

/** Dependencies of the API key authenticator. */
export interface ApiKeyAuthenticatorDeps {
  keys: ApiKeyCredentials;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
  log: Logger;
}

const MAX_CACHED = 10_000;
/** Every process must refuse a revoked key within five seconds. This leaves two seconds for a slow statement. */
const CACHE_MS = 3_000;
const HOUR_MS = 3_600_000;
/** Compared with the hash in the request if the id is unknown, so that a wrong id takes as long as a wrong secret. */
const NO_HASH = '0'.repeat(64);

/**
 * Authenticates by `Authorization: Bearer <key>` or `X-API-Key: <key>`. The answer is the same for an unknown, wrong,
 * revoked or expired key.
 */
export function createApiKeyAuthenticator({ keys, clock, log }: ApiKeyAuthenticatorDeps): Authenticator {
  const proven = new ExpiringCache<ApiKeyCredential>(MAX_CACHED, clock);

  /** Only valid keys are cached, under id and hash of the secret. */
  async function credentialOf({ id, secretHash }: ApiKeyParts): Promise<ApiKeyCredential | undefined> {
    const cacheKey = `${id} ${secretHash}`;
    const cached = proven.get(cacheKey);
    if (cached) return cached;
    const requestedAt = clock.monotonicMs();
    const found = await keys.credential(id);
    const isCorrect = timingSafeEqual(Buffer.from(found?.secretHash ?? NO_HASH), Buffer.from(secretHash));
    if (!found || !isCorrect || found.revokedAt !== null) return undefined;
    proven.set(cacheKey, found, requestedAt + CACHE_MS);
    recordUse(found);
    return found;
  }

  /** Runs in the background: the request neither waits for it nor fails with it. */
  function recordUse({ id, lastUsedAt }: ApiKeyCredential): void {
    const hour = new Date(Math.floor(clock.now().getTime() / HOUR_MS) * HOUR_MS);
    if (lastUsedAt !== null && lastUsedAt >= hour) return;
    keys
      .recordUse(id, hour)
      .catch((cause: unknown) =>
        log.warn('could not record the use of an API key', { keyId: id, err: toError(cause) }),
      );
  }

  return async (request) => {
    const parts = parseApiKey(apiKeyIn(request.headers) ?? '');
    const found = parts && (await credentialOf(parts));
    const isExpired = found?.expiresAt && found.expiresAt <= clock.now();
    if (!found || isExpired) throw unauthenticated();
    if (found.allProjects && request.maxAgeMs === undefined) audit(log, found, request);
    return identityOf(found);
  };
}

/** The text in the place of an API key, in any form. @throws AppError if the request has two. */
export function apiKeyIn(headers: IncomingHttpHeaders): string | undefined {
  const custom = headerIn(headers, 'x-api-key');
  const bearer = /^Bearer\s+(\S.*)$/i.exec(headerIn(headers, 'authorization') ?? '')?.[1];
  if (custom !== undefined && bearer !== undefined) throw twoCredentials();
  return custom ?? bearer;
}

/** The error for a request with more than one credential. */
export function twoCredentials(): AppError {
  return new AppError('invalid_request', 'The request has more than one credential; send one');
}

function identityOf(credential: ApiKeyCredential): Identity {
  const { id, userId, projectId, role, allProjects, expiresAt } = credential;
  const caller = { userId, projectId, role, roleNames: [role], apiKey: { id, allProjects } };
  return { ...caller, ...(!allProjects && { isBoundToProject: true }), ...(expiresAt && { expiresAt }) };
}

function audit(log: Logger, { id, userId }: ApiKeyCredential, { method, path, remoteAddress }: Credentials): void {
  log.info('an API key for all projects was used', { audit: true, keyId: id, userId, method, path, remoteAddress });
}

/** The challenge of a 401 in `auth.mode` apikey. */
export const API_KEY_CHALLENGE: Challenge = { header: 'Bearer realm="tocsin"' };

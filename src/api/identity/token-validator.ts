import { createHash } from 'node:crypto';
import { z } from 'zod';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { keystoneTimeMs } from '../../keystone/own-token.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { Logger } from '../../logger.js';
import type { AccessRule } from './access-rules.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';

/** A token that Keystone accepted. */
export interface ValidToken {
  userId: string;
  /** Null for a token that is scoped to a domain or to the system, and for an unscoped one. */
  projectId: string | null;
  /** Names of the user and the project. They grant nothing. */
  names: { user: string | null; project: string | null };
  isSystemScoped: boolean;
  roleNames: readonly string[];
  /** Milliseconds since the epoch, in service time. */
  expiresAt: number;
  /** Requests that its application credential allows; undefined: no restriction. */
  accessRules: readonly AccessRule[] | undefined;
}

/** Validates tokens at Keystone. */
export interface TokenValidator {
  /**
   * The token's data; null if the token is invalid. `allowExpired` accepts an expired token. `maxAgeMs` is the most
   * time since Keystone's answer, if that is less than the cache time.
   * @throws AppError `unavailable` if Keystone gives no usable answer.
   */
  validate(token: string, options?: { allowExpired?: boolean; maxAgeMs?: number }): Promise<ValidToken | null>;
}

/** Dependencies and settings of the token validator. */
export interface TokenValidatorDeps {
  keystone: Pick<KeystoneSession, 'requestAsService'>;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
  log: Logger;
  /** How long a valid token is cached; zero or less: no cache. */
  cacheTimeMs: number;
}

const MAX_CACHED = 10_000;
const MAX_INVALID_CACHED_MS = 10_000;
/** Keystone rejects tokens with access rules unless the service declares that it enforces them. */
const ENFORCES_ACCESS_RULES = { 'openstack-identity-access-rules': '1.0' };

const Named = z.object({ id: z.string().min(1), name: z.string().nullish() });
const TokenAnswer = z.object({
  token: z.object({
    user: Named,
    project: Named.nullish(),
    system: z.object({ all: z.boolean().optional() }).nullish(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    expires_at: z.string().refine((text) => Number.isFinite(keystoneTimeMs(text))),
    application_credential: z
      .object({
        access_rules: z.array(z.object({ service: z.string(), method: z.string(), path: z.string() })).nullish(),
      })
      .nullish(),
  }),
});

/** Validates tokens at Keystone and caches the answers, valid or invalid, under the hash of the token. */
export function createTokenValidator({ keystone, clock, log, cacheTimeMs }: TokenValidatorDeps): TokenValidator {
  const valid = new ExpiringCache<{ found: ValidToken; requestedAt: number }>(MAX_CACHED, clock);
  const invalid = new ExpiringCache<true>(MAX_CACHED, clock);
  const pending = new Map<string, Promise<ValidToken | null>>();

  async function validateAtKeystone(token: string, key: string, allowExpired: boolean): Promise<ValidToken | null> {
    const requestedAt = clock.monotonicMs();
    const { status, body } = await keystone.requestAsService('GET', '/auth/tokens', {
      headers: { ...ENFORCES_ACCESS_RULES, 'x-subject-token': token },
      query: { nocatalog: '1', ...(allowExpired ? { allow_expired: '1' } : {}) },
    });
    if (status !== 200 && status !== 404) throw unusableAnswer(status);
    const found = status === 200 ? readToken(body) : null;
    if (cacheTimeMs > 0) {
      if (found) valid.set(key, { found, requestedAt }, requestedAt + cacheTimeMs);
      else invalid.set(key, true, requestedAt + Math.min(cacheTimeMs, MAX_INVALID_CACHED_MS));
    }
    return found;
  }

  function unusableAnswer(status: number): AppError {
    const cause = new Error(`Keystone answered ${status} when asked about a token`);
    if (status === 401 || status === 403)
      log.error('Keystone refuses to validate tokens for this service: give its user the role for it', { status });
    return new AppError('unavailable', 'Keystone is not available', { cause });
  }

  /** The cached answer, or the answer of one request to Keystone that concurrent callers share. */
  function lookUp(
    token: string,
    key: string,
    { allowExpired, maxAgeMs }: { allowExpired: boolean; maxAgeMs: number },
  ): Promise<ValidToken | null> {
    const known = valid.get(key);
    if (known && clock.monotonicMs() - known.requestedAt <= maxAgeMs) return Promise.resolve(known.found);
    if (!known && invalid.get(key)) return Promise.resolve(null);
    const request = pending.get(key) ?? validateAtKeystone(token, key, allowExpired).finally(() => pending.delete(key));
    pending.set(key, request);
    return request;
  }

  return {
    async validate(token, { allowExpired = false, maxAgeMs = Infinity } = {}) {
      // Other characters cannot be sent in a header, so the text is not a token.
      if (!/^[\x21-\x7e]+$/.test(token)) return null;
      // An expired token is valid only beside a service token, so the two cases have cache entries of their own.
      const key = `${createHash('sha256').update(token).digest('base64')}${allowExpired ? ' even if expired' : ''}`;
      const found = await lookUp(token, key, { allowExpired, maxAgeMs });
      if (found === null) return null;
      return allowExpired || clock.now().getTime() < found.expiresAt ? found : null;
    },
  };
}

function readToken(body: unknown): ValidToken | null {
  const parsed = TokenAnswer.safeParse(body);
  if (!parsed.success) return null;
  const { user, project, system, roles, expires_at, application_credential } = parsed.data.token;
  return {
    userId: user.id,
    projectId: project?.id ?? null,
    names: { user: user.name ?? null, project: project?.name ?? null },
    isSystemScoped: system?.all === true,
    roleNames: roles.map(({ name }) => name),
    expiresAt: keystoneTimeMs(expires_at),
    accessRules: application_credential?.access_rules ?? undefined,
  };
}

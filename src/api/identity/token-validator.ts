import { createHash } from 'node:crypto';
import { z } from 'zod';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { keystoneTimeMs } from '../../keystone/own-token.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { Logger } from '../../logger.js';
import type { AccessRule } from './access-rules.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';

/** A token that Keystone vouches for. */
export interface ValidToken {
  userId: string;
  /** Null: the token is for no project, but for a domain, the system or nothing at all. */
  projectId: string | null;
  isSystemScoped: boolean;
  roleNames: readonly string[];
  /** In milliseconds of service time. */
  expiresAt: number;
  /** What its application credential is limited to; undefined: nothing. */
  accessRules: readonly AccessRule[] | undefined;
}

export interface TokenValidator {
  /**
   * What the token stands for; null if it is not valid.
   * @throws AppError `unavailable` when Keystone cannot tell.
   */
  validate(token: string, options?: { allowExpired?: boolean }): Promise<ValidToken | null>;
}

export interface TokenValidatorDeps {
  keystone: Pick<KeystoneSession, 'requestAsService'>;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
  log: Logger;
  /** How long a valid token is not asked about again; zero or less: asked every time. */
  cacheTimeMs: number;
}

const MAX_CACHED = 10_000;
const MAX_INVALID_CACHED_MS = 10_000;
/** Keystone tells of tokens with access rules only those who say that they enforce them. */
const ASK = { 'openstack-identity-access-rules': '1.0' };

const Named = z.object({ id: z.string().min(1) });
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

/** Asks Keystone about tokens, and remembers for a while what it said. Tokens are remembered by their hash alone. */
export function createTokenValidator({ keystone, clock, log, cacheTimeMs }: TokenValidatorDeps): TokenValidator {
  const valid = new ExpiringCache<ValidToken>(MAX_CACHED, clock);
  const invalid = new ExpiringCache<true>(MAX_CACHED, clock);
  const underWay = new Map<string, Promise<ValidToken | null>>();

  async function ask(token: string, key: string, allowExpired: boolean): Promise<ValidToken | null> {
    const askedAt = clock.monotonicMs();
    const { status, body } = await keystone.requestAsService('GET', '/auth/tokens', {
      headers: { ...ASK, 'x-subject-token': token },
      query: { nocatalog: '1', ...(allowExpired ? { allow_expired: '1' } : {}) },
    });
    if (status !== 200 && status !== 404) throw cannotTell(status);
    const found = status === 200 ? readToken(body) : null;
    if (cacheTimeMs > 0) {
      if (found) valid.set(key, found, askedAt + cacheTimeMs);
      else invalid.set(key, true, askedAt + Math.min(cacheTimeMs, MAX_INVALID_CACHED_MS));
    }
    return found;
  }

  function cannotTell(status: number): AppError {
    const cause = new Error(`Keystone answered ${status} when asked about a token`);
    if (status === 401 || status === 403)
      log.error('Keystone lets this service ask about no tokens: its user needs the role for it', { status });
    return new AppError('unavailable', 'Keystone is not available', { cause });
  }

  function known(token: string, key: string, allowExpired: boolean): Promise<ValidToken | null> {
    const cached = valid.get(key) ?? (invalid.get(key) ? null : undefined);
    if (cached !== undefined) return Promise.resolve(cached);
    const asking = underWay.get(key) ?? ask(token, key, allowExpired).finally(() => underWay.delete(key));
    underWay.set(key, asking);
    return asking;
  }

  return {
    async validate(token, { allowExpired = false } = {}) {
      // Anything else is no token, and could not even be sent on.
      if (!/^[\x21-\x7e]+$/.test(token)) return null;
      // An expired token that is good together with a service's must not be remembered as good, or bad, for itself.
      const key = `${createHash('sha256').update(token).digest('base64')}${allowExpired ? ' even if expired' : ''}`;
      const found = await known(token, key, allowExpired);
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
    isSystemScoped: system?.all === true,
    roleNames: roles.map(({ name }) => name),
    expiresAt: keystoneTimeMs(expires_at),
    accessRules: application_credential?.access_rules ?? undefined,
  };
}

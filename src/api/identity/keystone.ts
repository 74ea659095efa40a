import { AppError } from '../../errors.js';
import type { KeystoneErrorAnswer } from '../answers/error-answer.js';
import type { Challenge } from '../http/error-handler.js';
import { isPermitted } from './access-rules.js';
import {
  headerIn,
  highestRole,
  unauthenticated,
  type Authenticator,
  type Credentials,
  type Identity,
} from './identity.js';
import type { Role } from '../../role.js';
import type { TokenValidator, ValidToken } from './token-validator.js';

/** Dependencies and settings of the Keystone authenticator. */
export interface KeystoneAuthenticatorDeps {
  tokens: TokenValidator;
  /** Names of Keystone roles whose holders are admins here. */
  adminRoles: readonly string[];
  /** The type of this service in Keystone's catalogue, which access rules refer to. */
  serviceType: string;
  /** Names of roles that mark a token as a service token. */
  serviceTokenRoles: readonly string[];
}

/**
 * Authenticates by `X-Auth-Token`. With a valid `X-Service-Token` an expired user token is accepted. Roles and ids come
 * from Keystone's answer about the token, never from a header.
 */
export function createKeystoneAuthenticator(deps: KeystoneAuthenticatorDeps): Authenticator {
  return async (request) => {
    const token = headerIn(request.headers, 'x-auth-token');
    if (token === undefined) throw unauthenticated();
    const isOfService = await comesFromService(deps, request);
    const found = await validateNow(deps.tokens, token, { allowExpired: isOfService, maxAgeMs: request.maxAgeMs });
    // Access rules describe the user's request to the other service, so they do not apply to a request by a service.
    if (!found || !(isOfService || isAllowed(found, request, deps))) throw unauthenticated();
    return identityOf(found, token, deps);
  };
}

/** While Keystone is unavailable, an older answer about a token must do. */
async function validateNow(
  tokens: TokenValidator,
  token: string,
  { allowExpired, maxAgeMs }: { allowExpired: boolean; maxAgeMs: number | undefined },
): Promise<ValidToken | null> {
  if (maxAgeMs === undefined) return tokens.validate(token, { allowExpired });
  return tokens.validate(token, { allowExpired, maxAgeMs }).catch((thrown: unknown) => {
    if (thrown instanceof AppError && thrown.code === 'unavailable') return tokens.validate(token, { allowExpired });
    throw thrown;
  });
}

/** True if the service token has a service role. @throws AppError if the service token is invalid. */
async function comesFromService(
  { tokens, serviceTokenRoles }: KeystoneAuthenticatorDeps,
  request: Credentials,
): Promise<boolean> {
  const token = headerIn(request.headers, 'x-service-token');
  if (token === undefined) return false;
  const found = await validateNow(tokens, token, { allowExpired: false, maxAgeMs: request.maxAgeMs });
  if (!found) throw unauthenticated();
  return found.roleNames.some((name) => serviceTokenRoles.includes(name));
}

function isAllowed(
  { accessRules }: ValidToken,
  { method, path }: Credentials,
  { serviceType }: KeystoneAuthenticatorDeps,
): boolean {
  return accessRules === undefined || isPermitted(accessRules, { serviceType, method, path });
}

function identityOf(found: ValidToken, token: string, { adminRoles }: KeystoneAuthenticatorDeps): Identity {
  const { userId, projectId, names, roleNames, isSystemScoped, expiresAt } = found;
  const role = roleOf(roleNames, adminRoles);
  const caller = { userId, projectId, names, roleNames, token, expiresAt: new Date(expiresAt) };
  if (isSystemScoped) return { ...caller, projectId: null, role, isSystemScoped };
  // Only roles on a project count: not those on a domain or of an unscoped token.
  return { ...caller, role: projectId === null ? null : role };
}

/** Compares names of roles without regard to letter case, as Aodh's policies do. */
function roleOf(names: readonly string[], adminRoles: readonly string[]): Role | null {
  const adminNames = new Set(adminRoles.map((name) => name.toLowerCase()));
  if (names.some((name) => adminNames.has(name.toLowerCase()))) return 'admin';
  return highestRole(names.filter((name) => name.toLowerCase() !== 'admin'));
}

const UNAUTHORIZED: KeystoneErrorAnswer = {
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
};

/** The 401 of Keystone's own middleware, whose body its clients parse. */
export function keystoneChallenge(publicUrl: string): Challenge {
  return { header: `Keystone uri="${publicUrl}"`, body: UNAUTHORIZED };
}

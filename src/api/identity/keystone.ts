import type { PythonValue } from '../../alarm/wire/python-json.js';
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

export interface KeystoneAuthenticatorDeps {
  tokens: TokenValidator;
  /** Roles that make an admin. */
  adminRoles: readonly string[];
  /** Our type of service, as access rules name it. */
  serviceType: string;
  /** Roles that make a token that of a service. */
  serviceTokenRoles: readonly string[];
}

/**
 * `X-Auth-Token`, and what `X-Service-Token` adds to it. Roles and ids come from what Keystone says of the token, never
 * from a header.
 */
export function createKeystoneAuthenticator(deps: KeystoneAuthenticatorDeps): Authenticator {
  return async (request) => {
    const token = headerIn(request.headers, 'x-auth-token');
    if (token === undefined) throw unauthenticated();
    const isOfService = await comesFromService(deps, request);
    const found = await deps.tokens.validate(token, { allowExpired: isOfService });
    // Behind a service the request is not the one that the credential's rules are about.
    if (!found || !(isOfService || isAllowed(found, request, deps))) throw unauthenticated();
    return identityOf(found, token, deps);
  };
}

/** @throws AppError for a service's token that is not valid; one of no service counts for nothing. */
async function comesFromService(
  { tokens, serviceTokenRoles }: KeystoneAuthenticatorDeps,
  request: Credentials,
): Promise<boolean> {
  const token = headerIn(request.headers, 'x-service-token');
  if (token === undefined) return false;
  const found = await tokens.validate(token);
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
  const { userId, projectId, roleNames, isSystemScoped } = found;
  const role = roleOf(roleNames, adminRoles);
  const who = { userId, projectId, roleNames, token };
  if (isSystemScoped) return { ...who, projectId: null, role, isSystemScoped };
  // Roles on a domain, or on nothing, are no roles here.
  return { ...who, role: projectId === null ? null : role };
}

/** In any letter case, as Aodh's policies compare them. */
function roleOf(names: readonly string[], adminRoles: readonly string[]): Role | null {
  const making = new Set(adminRoles.map((name) => name.toLowerCase()));
  if (names.some((name) => making.has(name.toLowerCase()))) return 'admin';
  return highestRole(names.filter((name) => name.toLowerCase() !== 'admin'));
}

const UNAUTHORIZED: PythonValue = {
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
};

/** The answer of Keystone's own middleware, which its clients know. */
export function keystoneChallenge(publicUrl: string): Challenge {
  return { header: `Keystone uri="${publicUrl}"`, body: UNAUTHORIZED };
}

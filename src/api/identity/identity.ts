import type { IncomingHttpHeaders } from 'node:http';

import { AppError } from '../../errors.js';
import { ROLES, type Role } from '../../role.js';

/** The caller of a request. Made by an authenticator, and by nothing else. */
export interface Identity {
  userId: string | null;
  projectId: string | null;
  /** The highest role held; each includes those below it. Null: no role that we know. */
  role: Role | null;
  /** All names of roles, as the authenticator found them; trusts are made with them. */
  roleNames?: readonly string[];
  /**
   * The caller's own Keystone token, where there is one: for asking other services on the caller's behalf. Never
   * logged, never stored.
   */
  token?: string;
  /** A token of the whole cloud system and of no project: as in Aodh, it is known and may do nothing. */
  isSystemScoped?: true;
  /** An API key that is admin in its own project and nowhere else. */
  isBoundToProject?: true;
}

export interface Credentials {
  headers: IncomingHttpHeaders;
  method: string;
  path: string;
  /** Of the connection, never of a header. */
  remoteAddress: string;
}

/**
 * Turns a request's credentials into an identity, before anything of its body is read. Throws AppError when it cannot.
 */
export type Authenticator = (credentials: Credentials) => Promise<Identity>;

/** For routes that ask nobody who they are. */
export const ANONYMOUS: Identity = { userId: null, projectId: null, role: null };

/** What a client without valid credentials is told, whatever is wrong with them. */
export function unauthenticated(): AppError {
  return new AppError('unauthenticated', 'The request you have made requires authentication.');
}

/** A header that counts only if it is there once and not empty. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : value)?.trim() || undefined;
}

/** The highest of some role names, in any letter case. */
export function highestRole(names: readonly string[]): Role | null {
  const held = new Set(names.map((name) => name.trim().toLowerCase()));
  return ROLES.findLast((role) => held.has(role)) ?? null;
}

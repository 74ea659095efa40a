import type { IncomingHttpHeaders } from 'node:http';

import { AppError } from '../../errors.js';
import { ROLES, type Role } from '../../role.js';

/** The caller of a request. Only authenticators make it. */
export interface Identity {
  userId: string | null;
  projectId: string | null;
  /** The highest known role of the caller; each role includes those below it. Null: no known role. */
  role: Role | null;
  /** Names of all roles, as the authenticator found them. Trusts are created with them. */
  roleNames?: readonly string[];
  /** Names of the user and the project, if the credential has names beside the ids. They grant nothing. */
  names?: { user: string | null; project: string | null };
  /** The caller's Keystone token, if any, for requests to other services as the caller. Never logged, never stored. */
  token?: string;
  /** A system-scoped token of Keystone. As in Aodh, it authenticates and may do nothing. */
  isSystemScoped?: true;
  /** An API key whose role is valid in its own project only. */
  isBoundToProject?: true;
  /** The API key of the request, if any. */
  apiKey?: { id: string; allProjects: boolean };
  /** When the credential expires; absent if it does not. */
  expiresAt?: Date;
  /** The session of the console to which the request belongs, if any. */
  session?: { id: string; endsAt: Date };
}

/** The parts of a request that authentication reads. */
export interface Credentials {
  headers: IncomingHttpHeaders;
  method: string;
  path: string;
  /** Scheme and host as the client wrote them, without the default port of the scheme. */
  origin: string;
  /** The client's address: the peer of the connection, or as a trusted proxy (`api.trusted_proxies`) reports it. */
  remoteAddress: string;
  /**
   * Set if the credential of an open stream is checked again: the most time in milliseconds since the answer about it
   * that may be used.
   */
  maxAgeMs?: number;
}

/** Turns the credentials of a request into an identity. Runs before the body is read. Rejects with AppError. */
export type Authenticator = (credentials: Credentials) => Promise<Identity>;

/** The identity of callers of public routes, which are not authenticated. */
export const ANONYMOUS: Identity = { userId: null, projectId: null, role: null };

/** The one error for missing and for invalid credentials. */
export function unauthenticated(): AppError {
  return new AppError('unauthenticated', 'The request you have made requires authentication.');
}

/** The value of a header, trimmed; repeated headers are joined by commas. Undefined if it is missing or empty. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : value)?.trim() || undefined;
}

/** The highest known role among names in any letter case; null if none is known. */
export function highestRole(names: readonly string[]): Role | null {
  const held = new Set(names.map((name) => name.trim().toLowerCase()));
  return ROLES.findLast((role) => held.has(role)) ?? null;
}

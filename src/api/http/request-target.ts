import type { Request } from 'express';

import { AppError } from '../../errors.js';

/** The normalised target of a request: authentication, access rules, limits and routes all use this form. */
export interface RequestTarget {
  /** Single slashes, none at the end, unreserved characters decoded. Dot segments are kept, and match no route. */
  path: string;
  /** With its question mark, as the client sent it; empty where there is none. */
  search: string;
  /** Host and port of a target in absolute form. They take the place of the Host header (RFC 9112, 3.2.2). */
  authority?: string;
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)((?:[/?#].*)?)$/i;
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d*)?$/i;
const PERCENT_ENCODED = /%([0-9a-f]{2})/gi;
/** Unreserved characters mean the same encoded and decoded (RFC 3986, 2.3). A slash is not one of them. */
const UNRESERVED = /[A-Za-z0-9._~-]/;

/** @throws AppError for a target that has a fragment or names no host in its absolute form. */
export function requestTarget(url: string): RequestTarget {
  if (url.includes('#')) throw new AppError('invalid_request', 'The URL has a fragment: write # as %23');
  const absolute = ABSOLUTE_FORM.exec(url);
  if (!absolute) return split(url);
  const [, authority = '', rest = ''] = absolute;
  if (!AUTHORITY.test(authority)) throw new AppError('invalid_request', 'The URL of the request names no valid host');
  return { ...split(rest), authority };
}

/** The query string of a URL, with its question mark. */
export function searchOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

/**
 * True for a path with `.` or `..` segments. It is refused, since resolving it could bypass an access rule that was
 * written for the path.
 */
export function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..');
}

/** Removes trailing slashes, which have no meaning, from a path or from the pattern of an access rule. */
export function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/(?<!\/)\/+$/, '') || '/' : path;
}

const DEFAULT_PORT: Readonly<Record<string, RegExp>> = { http: /:(?:0*80)?$/, https: /:(?:0*443)?$/ };

/** The origin of a request: scheme and host as the client wrote them, without the default port of the scheme. */
export function originOf({ protocol, host }: Pick<Request, 'protocol' | 'host'>): string {
  const named = host || 'localhost'; // HTTP/1.0 needs no Host header
  return `${protocol}://${named.replace(DEFAULT_PORT[protocol] ?? '', '')}`;
}

function split(url: string): RequestTarget {
  const search = searchOf(url);
  const path = url.slice(0, url.length - search.length).replace(PERCENT_ENCODED, decodeUnreserved) || '/';
  return { path: withoutTrailingSlash(path.replace(/\/{2,}/g, '/')), search };
}

function decodeUnreserved(encoded: string, hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16));
  return UNRESERVED.test(character) ? character : encoded.toUpperCase();
}

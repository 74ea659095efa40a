import type { IncomingHttpHeaders } from 'node:http';

import { AppError } from '../../errors.js';
import { namesThisMachine } from '../../loopback.js';
import { headerIn, type Credentials } from './identity.js';

/** The prefix makes browsers refuse the cookie without `Secure`, for a path, or from a subdomain. */
export const SECURE_COOKIE = '__Host-tocsin-session';
/**
 * On plain http the prefix is not possible, since it needs `Secure`. So the cookie has another name there. It is used
 * only if the browser reached the service by a loopback address.
 */
export const LOOPBACK_COOKIE = 'tocsin-session';

const SECOND_MS = 1_000;

/** The name of the session's cookie at an origin; undefined for plain http to another machine, where there is none. */
export function cookieNameAt(origin: string): string | undefined {
  if (origin.startsWith('https://')) return SECURE_COOKIE;
  return namesThisMachine(origin.slice('http://'.length)) ? LOOPBACK_COOKIE : undefined;
}

/** The value of the session's cookie. @throws AppError if the request has several. */
export function sessionCookieIn({ headers, origin }: Pick<Credentials, 'headers' | 'origin'>): string | undefined {
  const name = cookieNameAt(origin);
  const values = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => name !== undefined && pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  if (values.length > 1) throw new AppError('invalid_request', `The request has more than one cookie ${name}`);
  return values[0];
}

/**
 * True for a request by a page of this service, of which a browser tells truly: `Sec-Fetch-Site` says so or, where a
 * browser sends none (plain http, old versions), `Origin` does.
 */
export function isFromOwnPage({ headers, origin }: Pick<Credentials, 'headers' | 'origin'>): boolean {
  const site = headerIn(headers, 'sec-fetch-site');
  return site === undefined ? headerIn(headers, 'origin') === origin : site === 'same-origin';
}

/** True if the request has the header that only a page's script can add. */
export function isFromScript(headers: IncomingHttpHeaders): boolean {
  return headerIn(headers, 'x-tocsin-console') !== undefined;
}

/** `Set-Cookie` for a session that lasts `lifeMs`; 0 deletes the cookie. */
export function setSessionCookie(name: string, value: string, lifeMs: number): string {
  const secure = name === SECURE_COOKIE ? '; Secure' : '';
  const seconds = Math.floor(lifeMs / SECOND_MS);
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
}

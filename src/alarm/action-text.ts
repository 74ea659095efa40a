import { withoutPathSecrets } from './webhook-secrets.js';

/** The accepted schemes. A new receiver is added here and in the notifier's registry. */
export const ACTION_SCHEMES = [
  'http',
  'https',
  'log',
  'test',
  'queue',
  'trust+http',
  'trust+https',
  'zaqar',
  'trust+zaqar',
  'trust+heat',
] as const;
export type ActionScheme = (typeof ACTION_SCHEMES)[number];

/** RFC 3986, appendix B: scheme, authority with its slashes, path, query, fragment. */
export const ACTION_PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/[^/?#]*(?=[/?#]|$))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/** The URL behind `trust+http(s)`, byte for byte as it was written. */
export function withoutTrust(action: string): string {
  return action.replace(/^trust\+/i, '');
}

/**
 * An action for logs, errors and lists: without user info, query values, fragment, and secrets in paths of known
 * webhooks.
 */
export function scrubAction(text: string): string {
  const [, scheme, authority = '', path = '', query = ''] = ACTION_PARTS.exec(text) ?? [];
  if (scheme === undefined) return '***';
  const names = query.slice(1).split('&').filter(Boolean);
  const scrubbed = names
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=***` : '***'))
    .join('&');
  const address = authority.replace(/^\/\/.*@/s, '//');
  const shownPath = withoutPathSecrets(address.replace(/^\/\//, '').replace(/:\d*$/, ''), path);
  return `${scheme.toLowerCase()}:${address}${shownPath}${scrubbed && `?${scrubbed}`}`;
}

/** True if an action has parts that `scrubAction` removes. */
export function hasSecretParts(action: string): boolean {
  const written = normaliseAction(action);
  return scrubAction(written) !== written;
}

/**
 * A text that was refused as an action, for the message: like `scrubAction`, but where the parts of the text are
 * uncertain, all after the scheme is left out, unless it is a host alone. A password may contain a slash, and then it
 * looks like a path.
 */
export function refusedAction(text: string): string {
  const [, scheme, authority, path = ''] = ACTION_PARTS.exec(text) ?? [];
  if (scheme === undefined) return PLAIN_WORD.test(text) ? text : '***';
  const hasCertainHost = authority === undefined ? path === '' : !authority.includes('\\');
  if (hasCertainHost && !path.includes('@') && URL.canParse(withoutTrust(text))) return scrubAction(text);
  return withoutUncertainParts(text, `${scheme}:${authority === undefined ? '' : '//'}`);
}

function withoutUncertainParts(text: string, start: string): string {
  const rest = text.slice(start.length);
  const isHarmless = rest === '' || (start.endsWith('/') && HOST_ALONE.test(rest));
  return isHarmless ? text : `${start}***`;
}

/** A text with no place for a password, a query or a path. */
const HOST_ALONE = /^[^/@?#\\:]*$/;
const PLAIN_WORD = /^[a-z-]{0,16}$/i;

/** A value of a request, for the message that refuses it: actions and URLs in it are shown like `refusedAction`. */
export function withoutActionSecrets(value: unknown): unknown {
  if (typeof value === 'string') {
    const isAction = schemeOf(value) !== undefined && /\/\/|[@?#]/.test(value);
    return isAction ? refusedAction(value) : value.replace(URL_WITHIN, refusedAction);
  }
  if (Array.isArray(value)) return value.map(withoutActionSecrets);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutActionSecrets(member)]));
}

/** The length of the scheme is bounded, since a search in a long word would take quadratic time. */
const URL_WITHIN = /[a-z][a-z0-9+.-]{0,15}:\/\/[^\s"'<>]+/gi;

/** An action as Aodh's answers show it: scheme in lower case, without an empty authority, query or fragment. */
export function normaliseAction(text: string): string {
  const [, scheme, authority = '', path = '', query = '', fragment = ''] = ACTION_PARTS.exec(text) ?? [];
  if (scheme === undefined) return text;
  const host = authority === '//' && path === '' ? '' : authority;
  return `${scheme.toLowerCase()}:${host}${path}${query === '?' ? '' : query}${fragment === '#' ? '' : fragment}`;
}

/** The scheme of a text; undefined if no receiver has it. */
export function schemeOf(text: string): ActionScheme | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  return ACTION_SCHEMES.find((known) => known === scheme);
}

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

/**
 * A value of a request, for the message that refuses it: actions and URLs in it are shown like `refusedAction`. A value
 * whose text has more than `most` characters may be cut after them.
 */
export function withoutActionSecrets(value: unknown, most = Infinity): unknown {
  return shownPart(value, { left: most + 1 });
}

/** `left`: the characters that are still to be shown. What is behind them costs nothing. */
function shownPart(value: unknown, budget: { left: number }): unknown {
  if (typeof value === 'string') {
    const isAction = schemeOf(value) !== undefined && /\/\/|[@?#]/.test(value);
    const text = isAction ? refusedAction(value) : withoutUrlSecrets(value, budget.left);
    budget.left -= Math.max(1, text.length);
    return text;
  }
  budget.left -= 1;
  if (Array.isArray(value)) {
    const members: unknown[] = [];
    for (let at = 0; at < value.length && budget.left > 0; at += 1) members.push(shownPart(value[at], budget));
    return members;
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    if (budget.left <= 0) break;
    budget.left -= key.length;
    members.push([key, shownPart(member, budget)]);
  }
  return Object.fromEntries(members);
}

/** The beginning of a text: more than `most` characters, up to the end of a URL, or the whole text. */
function withoutUrlSecrets(text: string, most: number): string {
  let shown = '';
  let end = 0;
  while (end < text.length && shown.length <= most) {
    const part = text.slice(end, end + most + LONGEST_START);
    const start = part.search(URL_START);
    if (start < 0) return shown + part;
    const [url = ''] = REST_OF_URL.exec(text.slice(end + start)) ?? [];
    shown += part.slice(0, start) + refusedAction(url);
    end += start + url.length;
  }
  return shown;
}

/** The length of the scheme is bounded, since a search in a long word would take quadratic time. */
const URL_START = /[a-z][a-z0-9+.-]{0,15}:\/\/[^\s"'<>]/i;
const LONGEST_START = 20;
const REST_OF_URL = /^[^\s"'<>]+/;

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

import { AppError } from '../errors.js';
import type { AlarmActions } from './alarm.js';
import { withoutPathSecrets } from './webhook-secrets.js';
import { zaqarQueueOf, zaqarTargetOf } from './zaqar-action.js';

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

/** Schemes that only admins may use: they write to places that the operator reads. */
export const ADMIN_SCHEMES: readonly ActionScheme[] = ['log', 'test'];

/** A parsed action. */
export interface Action {
  scheme: ActionScheme;
  /** For `trust+http(s)` the URL without `trust+`. */
  url: URL;
}

const DEFAULT_PORTS: Partial<Record<ActionScheme, string>> = {
  http: '80',
  https: '443',
  'trust+http': '80',
  'trust+https': '443',
};
/** RFC 1035, 2.3.4, with or without the final dot; IP addresses match, too. */
const DNS_NAME = /^(?=.{1,253}\.?$)(?:[^.]{1,63}\.)*[^.]{1,63}\.?$/;
const QUEUE_NAME = /^[a-z0-9-]{1,64}$/;
/** RFC 3986, appendix B: scheme, authority with its slashes, path, query, fragment. */
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/[^/?#]*(?=[/?#]|$))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/**
 * Parses an action into a URL whose scheme has a receiver. `log://` and `log:`, the form in answers, are both accepted.
 * A receiver can send to every accepted action.
 * @throws AppError `invalid_request` with Aodh's text, followed by the reason if Aodh would accept the action.
 */
export function parseAction(text: string): Action {
  const scheme = schemeOf(text);
  if (scheme === undefined) throw new AppError('invalid_request', `Unsupported action ${text}`);
  const isWeb = scheme in DEFAULT_PORTS;
  const written = isWeb ? withoutTrust(text) : text;
  if (!URL.canParse(written) || (isWeb && !/^https?:\/\/[^/?#\\]/i.test(written))) throw unparsable(text);
  const url = new URL(written);
  const problem = isWeb ? webProblem(written, url) : queueProblem(scheme, url);
  if (problem !== undefined) throw unparsable(text, problem);
  return { scheme, url };
}

function unparsable(text: string, problem?: string): AppError {
  return new AppError(
    'invalid_request',
    `Unable to parse action ${text}${problem === undefined ? '' : `: ${problem}`}`,
  );
}

function webProblem(written: string, { username, password, hostname, port }: URL): string | undefined {
  const authority = PARTS.exec(written)?.[2] ?? '';
  // The URL parser reads a backslash as a slash and drops tabs and line breaks, so the parsed address would differ from
  // the text.
  if (/[\\\t\n\r]/.test(authority)) return 'the host cannot hold backslashes, tabs and line breaks';
  if (/%(?![0-9a-f]{2})/i.test(`${username}:${password}`)) return 'a % in user or password is written %25';
  if (!DNS_NAME.test(hostname)) return 'a name in DNS has at most 253 characters, and 1 to 63 between its dots';
  return port === '0' ? 'there is no port 0' : undefined;
}

function queueProblem(scheme: ActionScheme, { hostname, pathname, searchParams }: URL): string | undefined {
  if (scheme === 'queue' && (!QUEUE_NAME.test(hostname) || !/^\/?$/.test(pathname))) {
    return 'a queue is written queue://name, with a name of at most 64 letters a-z, digits and dashes';
  }
  if (scheme === 'trust+zaqar' && zaqarQueueOf(searchParams) === undefined)
    return 'a trust+zaqar action needs a queue_name';
  const target = scheme === 'zaqar' ? zaqarTargetOf(searchParams) : undefined;
  return typeof target === 'string' ? target : undefined;
}

/**
 * The URLs that a delivery of the action calls, as far as a user chose them: its own, or those that Zaqar is to call.
 * @throws AppError `invalid_request` for a subscriber of Zaqar that would be refused as an action.
 */
export function calledUrls({ scheme, url }: Action): URL[] {
  if (scheme in DEFAULT_PORTS) return [url];
  if (scheme !== 'zaqar') return [];
  const subscribers = url.searchParams.getAll('subscriber').filter((text) => /^\s*(?:trust\+)?https?:/i.test(text));
  return subscribers.map((text) => parseAction(text).url);
}

/** True if the action is sent with a Keystone trust of the alarm. */
export function needsTrust(action: string): boolean {
  return /^trust\+/i.test(action) && schemeOf(action) !== undefined;
}

/** The actions of an alarm that need a trust, without duplicates. */
export function trustActionsOf(alarm: AlarmActions): string[] {
  const all = [alarm.okActions, alarm.alarmActions, alarm.insufficientDataActions].flatMap((list) => list ?? []);
  return [...new Set(all.filter(needsTrust))];
}

/** True if an action of the alarm needs a trust. */
export function usesTrust(alarm: AlarmActions): boolean {
  return trustActionsOf(alarm).length > 0;
}

/**
 * True if the authority of an action has user info. With a trust scheme it would be the id of a trust, which only the
 * service may set.
 */
export function hasUserInfo(action: string): boolean {
  return PARTS.exec(action)?.[2]?.includes('@') ?? false;
}

/** The URL behind `trust+http(s)`, byte for byte as it was written. */
export function withoutTrust(action: string): string {
  return action.replace(/^trust\+/i, '');
}

/**
 * The key by which concurrent deliveries are limited: `host:port` of a URL, otherwise the scheme, for queues with the
 * name.
 */
export function hostOf({ scheme, url }: Action): string {
  const defaultPort = DEFAULT_PORTS[scheme];
  if (defaultPort !== undefined) return `${url.hostname}:${url.port || defaultPort}`;
  return scheme === 'queue' ? `queue:${url.hostname}` : `${scheme}:`;
}

/**
 * An action for logs, errors and lists: without user info, query values, fragment, and secrets in paths of known
 * webhooks.
 */
export function scrubAction(text: string): string {
  const [, scheme, authority = '', path = '', query = ''] = PARTS.exec(text) ?? [];
  if (scheme === undefined) return '***';
  const names = query.slice(1).split('&').filter(Boolean);
  const scrubbed = names
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=***` : '***'))
    .join('&');
  const address = authority.replace(/^\/\/.*@/s, '//');
  const shownPath = withoutPathSecrets(address.replace(/^\/\//, '').replace(/:\d*$/, ''), path);
  return `${scheme.toLowerCase()}:${address}${shownPath}${scrubbed && `?${scrubbed}`}`;
}

/** An action as Aodh's answers show it: scheme in lower case, without an empty authority, query or fragment. */
export function normaliseAction(text: string): string {
  const [, scheme, authority = '', path = '', query = '', fragment = ''] = PARTS.exec(text) ?? [];
  if (scheme === undefined) return text;
  const host = authority === '//' && path === '' ? '' : authority;
  return `${scheme.toLowerCase()}:${host}${path}${query === '?' ? '' : query}${fragment === '#' ? '' : fragment}`;
}

/**
 * A text that is equal for two spellings of one address. Queues of `queue://` and trusts belong to a project, so the
 * text then includes the project. It does not include the id of the trust.
 */
export function addressOf(action: string, projectId: string | null): string {
  const written = normaliseAction(action);
  if (needsTrust(action)) return JSON.stringify([projectId, written.replace(/^([^:]+:\/\/)[^/?#]*@/, '$1')]);
  return schemeOf(action) === 'queue' ? JSON.stringify([projectId, written]) : written;
}

function schemeOf(text: string): ActionScheme | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  return ACTION_SCHEMES.find((known) => known === scheme);
}

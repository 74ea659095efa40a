import { parseAction } from '../action.js';

/**
 * The origin of a URL: scheme, host and port as parsed, without a dot at the end of the host and without the default
 * port. Equal for all spellings of one origin: `HTTPS://Hooks.Example.com.:443/a` has `https://hooks.example.com`.
 */
export function receiverOriginOf({ protocol, hostname, port }: Pick<URL, 'protocol' | 'hostname' | 'port'>): string {
  return `${protocol}//${hostname.replace(/\.$/, '')}${port === '' ? '' : `:${port}`}`;
}

/** In place of an origin: all receivers of the project. */
export const ALL_ORIGINS = '*';

/** Scheme and authority, with at most one slash behind them. */
const ORIGIN = /^https?:\/\/([^/?#\\\s]+)\/?$/i;

/** The reason why a text is not the origin of a receiver; undefined if it is one. */
export function originProblem(text: string): string | undefined {
  const [, authority] = ORIGIN.exec(text) ?? [];
  if (/^https?:\/\/[^/?#]*@/i.test(text)) return 'User and password belong to the URLs of actions, not to an origin';
  if (authority === undefined)
    return 'It should be scheme, host and port only, such as https://hooks.example.com or https://10.0.0.7:8443';
  return isAction(text) ? undefined : 'It should be an origin that an action can have: a valid host, and no port 0';
}

function isAction(text: string): boolean {
  try {
    parseAction(text);
    return true;
  } catch {
    return false;
  }
}

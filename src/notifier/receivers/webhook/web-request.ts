/** The parts of a webhook's request that come from its action. */
export interface WebRequest {
  /** Without user info and fragment. */
  url: URL;
  /** Path and query for the request line. */
  target: string;
  /** The Authorization header from the user info, if there is any. */
  headers: { authorization?: string };
}

/**
 * Builds the request of a webhook action. Returns undefined if the action is not an HTTP URL; every webhook that
 * `parseAction` accepts gives a request.
 */
export function webRequestOf(action: string): WebRequest | undefined {
  if (!URL.canParse(action)) return undefined;
  const url = new URL(action);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  const { username, password } = url;
  url.username = url.password = url.hash = '';
  return { url, target: requestTarget(action), headers: basicAuth(username, password) };
}

/** Returns path and query as written, with the characters escaped that a request line cannot contain. */
function requestTarget(action: string): string {
  const [, path = '', query = ''] = /^https?:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/i.exec(action) ?? [];
  return `${path || '/'}${query}`
    .replace(/\p{Surrogate}/gu, '\ufffd') // a lone surrogate, for which there is no escape
    .replace(/[^\u0021-\u007e]/gu, (character) => encodeURIComponent(character));
}

function basicAuth(username: string, password: string): WebRequest['headers'] {
  if (username === '' && password === '') return {};
  const credentials = `${percentDecoded(username)}:${percentDecoded(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}` };
}

/** Decodes a part of a parsed URL to a string with one character for each byte. The bytes may be no valid UTF-8. */
function percentDecoded(part: string): string {
  return part.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/**
 * Divides a URL with several hosts, such as `postgresql://user:password@a:5432,b/name`, into one URL for each. A URL
 * with one host, or none, is returned as it is.
 */
export function urlsOfHosts(url: string): string[] {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  const hosts = authority.slice(authority.lastIndexOf('@') + 1);
  if (!hosts.includes(',')) return [url];
  const from = url.indexOf('://') + '://'.length + authority.length - hosts.length;
  return hosts.split(',').map((host) => url.slice(0, from) + host + url.slice(from + hosts.length));
}

/** Where Redis Sentinel tells the primary of `name`. */
export interface SentinelUrl {
  sentinels: { host: string; port: number }[];
  /** The name of the primary in the configuration of the sentinels. */
  name: string;
  /** Credentials of Redis. */
  username: string | undefined;
  password: string | undefined;
  /** Password of the sentinels, if they have one: the parameter `sentinel_password`. */
  sentinelPassword: string | undefined;
  /** True for `sentinels://`. */
  tls: boolean;
}

const SENTINEL_PORT = 26_379;

/** Reads `sentinel://user:password@host1:26379,host2/name`. Undefined if the text is no such URL. */
export function parseSentinelUrl(text: string): SentinelUrl | undefined {
  const texts = urlsOfHosts(text);
  if (!/^sentinels?:\/\//.test(text) || !texts.every((one) => URL.canParse(one))) return undefined;
  const urls = texts.map((one) => new URL(one));
  const [{ protocol, pathname, username, password, searchParams }] = urls as [URL];
  const name = decodeURIComponent(pathname.slice(1));
  if (name === '' || name.includes('/') || urls.some(({ hostname }) => hostname === '')) return undefined;
  return {
    sentinels: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? SENTINEL_PORT : Number(port),
    })),
    name,
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    sentinelPassword: searchParams.get('sentinel_password') ?? undefined,
    tls: protocol === 'sentinels:',
  };
}

const CUT = '***';

/** Hosts whose path is a secret: the whole path, or all after the first segment. */
const SECRET_HOSTS: readonly { host: RegExp; keptSegments: 0 | 1 }[] = [
  { host: /^hooks\.slack(?:-gov)?\.com$/, keptSegments: 1 },
  { host: /^outlook\.office(?:365)?\.com$/, keptSegments: 1 },
  { host: /\.webhook\.office\.com$/, keptSegments: 1 },
  { host: /^hook\.(?:[a-z0-9-]+\.)*(?:make|integromat)\.com$/, keptSegments: 0 },
  { host: /^(?:ntfy\.sh|hc-ping\.com)$/, keptSegments: 0 },
  { host: /^(?:webhooks\.gitter\.im|bots\.keybase\.io|healthchecks\.io)$/, keptSegments: 1 },
  { host: /^(?:api\.day\.app|sctapi\.ftqq\.com)$/, keptSegments: 0 }, // Bark, ServerChan
];

/**
 * After these patterns a path is secret on any host, since many services are self-hosted. The comments name the
 * services. The match is kept, the rest of the path is cut.
 */
const SECRET_PATHS: readonly RegExp[] = [
  // Discord, Mattermost, Rocket.Chat, Zapier, Flock, Webex, Lark, Feishu, Matrix, Ryver, n8n, Home Assistant, Grafana
  // OnCall, Chime, Teams
  /\/(?:incoming-?)?(?:web)?hooks?(?:b2)?\//i,
  /\/bot(?=\d+:)/i, // Telegram
  /\/with\/key\//i, // IFTTT
  /\/integration\/|\/x-ere\//i, // PagerDuty
  /\/integrations\/generic\/\d+\/alert\//i, // Splunk On-Call
  /\/apps\/spreed\/api\/v\d+\/(?:bot|chat)\//i, // Nextcloud Talk
  /\/heartbeat\//i, // Better Stack
];

/** `/bot1:` */
const SHORTEST_SECRET_PATH = 6;
/**
 * A segment that looks like a key: at least 20 characters, with upper-case, lower-case and digits. Heat ids and UUIDs
 * do not match.
 */
const KEY_LIKE = /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w.~:-]{20,}$/;

/**
 * A path without the secrets of known chat and paging webhooks, and without segments that look like keys. `host` has no
 * port.
 */
export function withoutPathSecrets(host: string, path: string): string {
  const name = hostName(host);
  const decoded = decodedPath(path);
  const shown = cutSecrets(name, decoded);
  // An escaped slash or a backslash can hide a secret from the patterns. Such a path is shown decoded.
  return shown === decoded && path !== decoded ? cutSecrets(name, path) : shown;
}

/** A name as DNS sees it, which need not be parsed: an alarm may have thousands of actions. */
const PLAIN_HOST = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

/** The host name as DNS sees it: `hooks%2eslack.com.` is another spelling of `hooks.slack.com`. */
function hostName(host: string): string {
  if (PLAIN_HOST.test(host)) return host;
  const url = `http://${host}/`;
  return (URL.canParse(url) ? new URL(url).hostname : host.toLowerCase()).replace(/\.$/, '');
}

/** The path with escaped ASCII characters decoded and with slashes for backslashes, which URLs treat alike. */
function decodedPath(path: string): string {
  if (!/[%\\]/.test(path)) return path;
  return path
    .replace(/%([2-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('\\', '/');
}

function cutSecrets(host: string, path: string): string {
  const known = SECRET_HOSTS.find((one) => one.host.test(host));
  if (known) return cutAfter(path, known.keptSegments === 0 ? 1 : path.indexOf('/', 1) + 1 || path.length);
  if (path.length < SHORTEST_SECRET_PATH) return path;
  const ends = SECRET_PATHS.flatMap((pattern) => {
    const match = pattern.exec(path);
    return match ? [match.index + match[0].length] : [];
  });
  const kept = ends.length === 0 ? path : cutAfter(path, Math.min(...ends));
  return kept
    .split('/')
    .map((segment) => (KEY_LIKE.test(segment) ? CUT : segment))
    .join('/');
}

function cutAfter(path: string, kept: number): string {
  return path.length > kept ? `${path.slice(0, kept)}${CUT}` : path;
}

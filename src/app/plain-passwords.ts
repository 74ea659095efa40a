import { backendsOf, sectionName } from '../config/backends.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { parseSentinelUrl, urlsOfHosts } from '../server-urls.js';
import { isOpenHost } from './noauth-guard.js';

/** A server to which this process sends a password or a token without TLS. */
interface PlainPassword {
  /** The option with the address. */
  setting: string;
  host: string;
}

/** Warns of each password or token that is sent to another machine without TLS. */
export async function warnOfPlainPasswords(config: Config, log: Logger): Promise<void> {
  for (const { setting, host } of plainPasswords(config)) {
    if (await isOpenHost(host.replace(/^\[|\]$/g, '')).catch(() => true))
      log.warn('a password is sent to another machine without TLS', { setting, host });
  }
}

function plainPasswords(config: Config): PlainPassword[] {
  const { database, redis, queue, keystone } = config;
  const prometheuses = [...backendsOf(config.prometheus)].map(([name, { url, password, token }]) =>
    overHttp(`${sectionName('prometheus', name)}.url`, url, password ?? token),
  );
  return [
    ...urlsOfHosts(database.url?.reveal() ?? '').map((url) => overPostgres('database.url', url)),
    ...overRedis('redis.url', redis.url?.reveal()),
    ...overRedis('queue.redis_url', queue.redis_url?.reveal()),
    overHttp('keystone.auth_url', keystone.auth_url, keystone.password ?? keystone.application_credential_secret),
    ...prometheuses,
  ].filter((found) => found !== undefined);
}

function overPostgres(setting: string, text = ''): PlainPassword | undefined {
  if (!URL.canParse(text)) return undefined;
  const { searchParams, password, hostname } = new URL(text);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  const isSocket = host === '' || host.startsWith('/');
  const hasPassword = password !== '' || searchParams.has('password');
  return hasPassword && !isSocket && !usesTls(searchParams) ? { setting, host } : undefined;
}

/** True for parameters of a PostgreSQL URL with which the driver uses TLS. */
function usesTls(parameters: URLSearchParams): boolean {
  const mode = parameters.get('sslmode');
  if (mode !== null) return mode !== 'disable';
  const isOn = ['true', '1'].includes(parameters.get('ssl') ?? '') || parameters.get('sslnegotiation') === 'direct';
  return isOn || ['sslcert', 'sslkey', 'sslrootcert'].some((name) => parameters.has(name));
}

/** The sentinels stand for the servers that they name, whose addresses are not known before. */
function overRedis(setting: string, text = ''): PlainPassword[] {
  const sentinel = parseSentinelUrl(text);
  if (sentinel) {
    const hasPassword = sentinel.password !== undefined || sentinel.sentinelPassword !== undefined;
    return hasPassword && !sentinel.tls ? sentinel.sentinels.map(({ host }) => ({ setting, host })) : [];
  }
  if (!URL.canParse(text)) return [];
  const { protocol, password, hostname: host } = new URL(text);
  return protocol === 'redis:' && password !== '' && host !== '' ? [{ setting, host }] : [];
}

function overHttp(setting: string, text: string | undefined, secret: unknown): PlainPassword | undefined {
  if (text === undefined || secret === undefined) return undefined;
  const { protocol, hostname: host } = new URL(text);
  return protocol === 'http:' ? { setting, host } : undefined;
}

import type { Clock } from '../clock.js';
import { backendsOf } from '../config/backends.js';
import type { Config } from '../config/schema.js';
import { parseNetwork } from '../egress/address.js';
import { createEgressGuard, type EgressGuard } from '../egress/egress-guard.js';
import type { EgressRules } from '../egress/egress-policy.js';
import { createHeatEndpoints, NO_HEAT } from '../egress/heat-endpoints.js';
import { createOwnServices, endpointOf, type ServiceEndpoint } from '../egress/own-services.js';
import type { KeystoneSession } from '../keystone/session.js';
import type { Logger } from '../logger.js';
import { parseSentinelUrl, urlsOfHosts } from '../server-urls.js';
import { isOpenHost } from './noauth-guard.js';

export interface EgressDeps {
  config: Config;
  keystone: KeystoneSession | undefined;
  clock: Pick<Clock, 'monotonicMs'>;
  log: Logger;
}

/** Which addresses users may make this service call. Warns if that excludes receivers within the site. */
export async function openEgress({ config, keystone, clock, log }: EgressDeps): Promise<EgressGuard> {
  const privateAllowed = await isForThisMachineOnly(config);
  const { allow, allow_loopback_receivers: loopbackAllowed } = config.egress;
  const callsOrChecks = config.roles.includes('api') || config.roles.includes('notifier');
  if (callsOrChecks && !privateAllowed && allow.length === 0) {
    log.warn('receivers in private networks are refused; egress.allow is the list of those that may be called');
  }
  const monotonicMs = (): number => clock.monotonicMs();
  return createEgressGuard({
    rules: rulesOf(config, { privateAllowed, loopbackAllowed }),
    ownServices: createOwnServices({ endpoints: ownEndpoints(config), monotonicMs }),
    heat: keystone
      ? createHeatEndpoints({ endpointsOf: (types) => keystone.endpoints(types), monotonicMs, log })
      : NO_HEAT,
  });
}

/** Without authentication, on loopback and behind no proxy, a user of this machine registered every receiver. */
async function isForThisMachineOnly({ auth, api }: Config): Promise<boolean> {
  if (auth.mode !== 'noauth' || api.trusted_proxies.length > 0) return false;
  return !(await isOpenHost(api.host).catch(() => true));
}

/** The options about receivers in the form that the policy reads. */
export function rulesOf(
  { egress, notifier }: Config,
  reach: Pick<EgressRules, 'privateAllowed' | 'loopbackAllowed'>,
): EgressRules {
  return {
    ...reach,
    allow: egress.allow.map(({ cidr, hostname, ports, projects }) => ({
      network: cidr === undefined ? undefined : parseNetwork(cidr),
      hostname,
      ports,
      projects: projects && new Set(projects),
    })),
    httpsOnly: notifier.https_only_actions,
    isDeniedPort: (port) => egress.deny_ports.has(port),
  };
}

const POSTGRES_PORT = 5432;
const REDIS_PORT = 6379;

/** With sentinels only they are known: the servers that they name can change. */
function redisEndpoints(url: string): (ServiceEndpoint | undefined)[] {
  return parseSentinelUrl(url)?.sentinels ?? [endpointOf(url, REDIS_PORT)];
}

/** Databases, Redis, Keystone, backends and listeners of this configuration. */
function ownEndpoints(config: Config): ServiceEndpoint[] {
  const { api, management, database, redis, queue, keystone, octavia } = config;
  const backends = [backendsOf(config.gnocchi), backendsOf(config.prometheus)].flatMap((some) => [...some.values()]);
  const webUrls = [keystone.auth_url, keystone.public_url, octavia.url, ...backends.map(({ url }) => url)];
  return [
    { host: api.host, port: api.port },
    ...(management.port === undefined ? [] : [{ host: management.host, port: management.port }]),
    ...urlsOfHosts(database.url?.reveal() ?? '').map((url) => endpointOf(url, POSTGRES_PORT)),
    ...[redis.url, queue.redis_url].flatMap((url) => redisEndpoints(url?.reveal() ?? '')),
    ...webUrls.map((url) => endpointOf(url ?? '', url?.startsWith('https:') ? 443 : 80)),
  ].filter((endpoint) => endpoint !== undefined);
}

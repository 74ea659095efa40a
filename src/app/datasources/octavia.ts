import type { Config } from '../../config/schema.js';
import { createBackendGate } from '../../datasource/gate/gate.js';
import type { BackendObserver } from '../../datasource/datasource.js';
import { createOctaviaClient } from '../../datasource/octavia/octavia-client.js';
import { probeOctavia, createOctaviaDatasource } from '../../datasource/octavia/octavia.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import { cloudCertificates } from '../open-keystone.js';

const CONCURRENCY = 8;
const SERVICE_TYPE = 'load-balancer';

/** Dependencies of Octavia. */
export interface OctaviaDeps {
  config: Pick<Config, 'octavia' | 'keystone'>;
  /** Undefined if Keystone is not configured. */
  keystone: Pick<KeystoneSession, 'token' | 'renew' | 'endpoint'> | undefined;
  observer: BackendObserver;
}

/**
 * The Octavia of `octavia.url` or of Keystone's catalogue; none without both. Sends no request yet.
 * @throws StartupError.
 */
export function openOctavia({ config, keystone, observer }: OctaviaDeps): NamedDatasources<'octavia'> {
  const { octavia } = config;
  const address = addressOf(octavia.url, keystone);
  if (address === undefined) return new Map();
  const client = createOctaviaClient({
    url: address,
    tokens: keystone,
    ca: cloudCertificates(config),
    timeoutMs: octavia.timeout,
  });
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, probe: () => probeOctavia(client) });
  const creationTimeS = octavia.member_creation_time / 1000;
  return new Map([[null, createOctaviaDatasource({ client, gate, creationTimeS })]]);
}

function addressOf(url: string | undefined, keystone: OctaviaDeps['keystone']): (() => Promise<string>) | undefined {
  if (url !== undefined) return () => Promise.resolve(url);
  return keystone && (() => keystone.endpoint(SERVICE_TYPE));
}

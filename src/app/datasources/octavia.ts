import { createBackendGate } from '../../datasource/gate/gate.js';
import { createOctaviaClient } from '../../datasource/octavia/octavia-client.js';
import { probeOctavia, createOctaviaDatasource } from '../../datasource/octavia/octavia.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import { cloudCertificates } from '../open-keystone.js';
import type { BackendDeps, BackendKind } from './backend-kind.js';

const CONCURRENCY = 8;
const SERVICE_TYPE = 'load-balancer';

/** The Octavia of `octavia.url` or of Keystone's catalogue, which may have one; none without both. */
export const octavia = {
  names: ({ octavia: { url }, keystone }) => (url !== undefined || keystone.auth_url !== undefined ? [null] : []),
  open: openOctavia,
} satisfies BackendKind<'octavia'>;

/** Dependencies of Octavia. */
interface OctaviaDeps extends Pick<BackendDeps, 'config' | 'observerOf'> {
  keystone: Pick<KeystoneSession, 'token' | 'renew' | 'endpoint'> | undefined;
}

function openOctavia({ config, keystone, observerOf }: OctaviaDeps): NamedDatasources<'octavia'> {
  const { url, timeout, member_creation_time } = config.octavia;
  const address = addressOf(url, keystone);
  if (address === undefined) return new Map();
  const ca = cloudCertificates(config);
  const client = createOctaviaClient({ url: address, tokens: keystone, ca, timeoutMs: timeout });
  const observer = observerOf(null);
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, probe: () => probeOctavia(client) });
  return new Map([[null, createOctaviaDatasource({ client, gate, creationTimeS: member_creation_time / 1000 })]]);
}

function addressOf(url: string | undefined, keystone: OctaviaDeps['keystone']): (() => Promise<string>) | undefined {
  if (url !== undefined) return () => Promise.resolve(url);
  return keystone && (() => keystone.endpoint(SERVICE_TYPE));
}

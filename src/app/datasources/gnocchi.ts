import type { GnocchiQuery } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import { gnocchiBackends, sectionName, type GnocchiSettings, type Reachable } from '../../config/backends.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver, Datasource } from '../../datasource/datasource.js';
import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
} from '../../datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../datasource/gnocchi/gnocchi.js';
import { memoizeHourly } from '../../cache/memoize-hourly.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import { StartupError } from '../../errors.js';
import type { KeystoneSession } from '../../keystone/session.js';

/** The parts of Keystone that requests to Gnocchi need. */
export type KeystoneAccess = Pick<KeystoneSession, 'token' | 'renew' | 'projectId'>;

/** The same, and the identity of this service. */
type KeystoneIdentity = KeystoneAccess & Pick<KeystoneSession, 'userId' | 'ownProjectId'>;

/** A configured Gnocchi, and Keystone. */
export interface GnocchiDeps<Keystone = KeystoneAccess> {
  settings: Reachable<GnocchiSettings>;
  /** Name of its section in the configuration, for messages. */
  section: string;
  /** Undefined if Keystone is not configured. */
  keystone: Keystone | undefined;
}

/** Creates a client. @throws StartupError if `auth` is keystone and Keystone is not configured. */
export function openGnocchiClient({ settings, section, keystone }: GnocchiDeps): GnocchiClient {
  return createGnocchiClient({
    url: settings.url,
    auth: authOf(settings, section, keystone),
    timeoutMs: settings.timeout,
  });
}

/** The id of the project that creates the resources of all projects, looked up hourly; null if there is none. */
export function externalOwnerOf(
  settings: Pick<GnocchiSettings, 'external_project_owner' | 'external_domain_name'>,
  { clock, keystone }: { clock: Pick<Clock, 'monotonicMs'>; keystone: KeystoneAccess | undefined },
): () => Promise<string | null> {
  const { external_project_owner, external_domain_name } = settings;
  return memoizeHourly(clock, async () =>
    keystone ? keystone.projectId(external_project_owner, external_domain_name) : null,
  );
}

/** Dependencies of all configured Gnocchis. */
export interface GnocchisDeps {
  config: Pick<Config, 'gnocchi'>;
  clock: Pick<Clock, 'monotonicMs'>;
  keystone: KeystoneIdentity | undefined;
  observerOf: (name: string | null) => BackendObserver;
}

/** All configured Gnocchis by name. Sends no request yet. @throws StartupError as `openGnocchiClient`. */
export function openGnocchis({ config, clock, keystone, observerOf }: GnocchisDeps): NamedDatasources<'gnocchi'> {
  const opened = [...gnocchiBackends(config)].map(([name, settings]): [string | null, Datasource<GnocchiQuery>] => {
    const client = openGnocchiClient({ settings, section: sectionName('gnocchi', name), keystone });
    const creator = (): Promise<string | undefined> => creatorName(settings, keystone);
    const externalOwner = externalOwnerOf(settings, { clock, keystone });
    return [name, createGnocchiDatasource({ client, observer: observerOf(name), clock, creator, externalOwner })];
  });
  return new Map(opened);
}

/** The value that Gnocchi stores as `creator` of resources that this service creates. */
async function creatorName(
  { auth, user }: GnocchiSettings,
  keystone: KeystoneIdentity | undefined,
): Promise<string | undefined> {
  if (auth === 'basic') return user;
  if (auth !== 'keystone' || keystone === undefined) return undefined;
  return `${await keystone.userId()}:${(await keystone.ownProjectId()) ?? ''}`;
}

function authOf({ auth, user }: GnocchiSettings, section: string, keystone: KeystoneAccess | undefined): GnocchiAuth {
  if (auth === 'none') return { kind: 'none' };
  if (auth === 'basic') return { kind: 'basic', user };
  if (!keystone) throw new StartupError(`${section}.auth: keystone needs keystone.auth_url`);
  return { kind: 'token', tokens: keystone };
}

import type { GnocchiQuery } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import { gnocchiBackends, sectionName, type GnocchiSettings, type Reachable } from '../../config/backends.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver, Datasource } from '../../datasource/datasource.js';
import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
  type TokenSource,
} from '../../datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../datasource/gnocchi/gnocchi.js';
import { memoizeHourly } from '../../cache/memoize-hourly.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import { StartupError } from '../../errors.js';

/** What asking Gnocchi takes of Keystone. */
export interface KeystoneAccess extends TokenSource {
  /** The id of a project; null when there is none of that name. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

/** What asking Gnocchi as ourselves takes besides. */
export interface KeystoneIdentity extends KeystoneAccess {
  userId(): Promise<string>;
  /** Of the project that our tokens are for; undefined for tokens of no project. */
  ownProjectId(): Promise<string | undefined>;
}

/** A Gnocchi of the configuration. */
export interface GnocchiDeps<Keystone = KeystoneAccess> {
  settings: Reachable<GnocchiSettings>;
  /** As in the configuration, for messages. */
  section: string;
  /** Undefined where no Keystone is configured. */
  keystone: Keystone | undefined;
}

/** @throws StartupError when Gnocchi wants tokens and there is nobody to issue them. */
export function openGnocchiClient({ settings, section, keystone }: GnocchiDeps): GnocchiClient {
  return createGnocchiClient({
    url: settings.url,
    auth: authOf(settings, section, keystone),
    timeoutMs: settings.timeout,
  });
}

/**
 * The project that creates everybody's resources, sought once an hour; null where there is none, as without Keystone.
 */
export function externalOwnerOf(
  settings: Pick<GnocchiSettings, 'external_project_owner' | 'external_domain_name'>,
  { clock, keystone }: { clock: Pick<Clock, 'monotonicMs'>; keystone: KeystoneAccess | undefined },
): () => Promise<string | null> {
  const { external_project_owner, external_domain_name } = settings;
  return memoizeHourly(clock, async () =>
    keystone ? keystone.projectId(external_project_owner, external_domain_name) : null,
  );
}

export interface GnocchisDeps {
  config: Pick<Config, 'gnocchi'>;
  clock: Pick<Clock, 'monotonicMs'>;
  keystone: KeystoneIdentity | undefined;
  observerOf: (name: string | null) => BackendObserver;
}

/** Every Gnocchi that is configured, by name. Asks nothing yet. @throws StartupError as `openGnocchiClient`. */
export function openGnocchis({ config, clock, keystone, observerOf }: GnocchisDeps): NamedDatasources<'gnocchi'> {
  const opened = [...gnocchiBackends(config)].map(([name, settings]): [string | null, Datasource<GnocchiQuery>] => {
    const client = openGnocchiClient({ settings, section: sectionName('gnocchi', name), keystone });
    const creator = (): Promise<string | undefined> => ourCreator(settings, keystone);
    const externalOwner = externalOwnerOf(settings, { clock, keystone });
    return [name, createGnocchiDatasource({ client, observer: observerOf(name), clock, creator, externalOwner })];
  });
  return new Map(opened);
}

/** Gnocchi's name for whoever creates something. */
async function ourCreator(
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
  if (!keystone) throw new StartupError(`${section}.auth is keystone, which takes a Keystone: set keystone.auth_url`);
  return { kind: 'token', tokens: keystone };
}

import type { GnocchiQuery } from '../../alarm/series.js';
import type { Clock } from '../../clock.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver, Datasource } from '../../datasource/datasource.js';
import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
  type Tokens,
} from '../../datasource/gnocchi/gnocchi-client.js';
import { createGnocchiDatasource } from '../../datasource/gnocchi/gnocchi.js';
import { hourly } from '../../datasource/gnocchi/hourly.js';
import { StartupError } from '../../errors.js';

/** What asking Gnocchi takes of Keystone. */
export interface KeystoneAccess extends Tokens {
  /** The id of a project; null when there is none of that name. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

/** What asking Gnocchi as ourselves takes besides. */
export interface KeystoneIdentity extends KeystoneAccess {
  userId(): Promise<string>;
  /** Of the project that our tokens are for; undefined for tokens of no project. */
  ownProjectId(): Promise<string | undefined>;
}

export interface GnocchiDeps<Keystone = KeystoneAccess> {
  config: Pick<Config, 'gnocchi'>;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Undefined where no Keystone is configured. */
  keystone: Keystone | undefined;
}

/** Undefined without `gnocchi.url`. @throws StartupError when Gnocchi wants tokens and there is nobody to issue them. */
export function openGnocchiClient({ config: { gnocchi }, keystone }: Omit<GnocchiDeps, 'clock'>): GnocchiClient | undefined {
  if (gnocchi.url === undefined) return undefined;
  return createGnocchiClient({ url: gnocchi.url, auth: authOf(gnocchi, keystone), timeoutMs: gnocchi.timeout });
}

/** The project that creates everybody's resources, sought once an hour; null where there is none, as without Keystone. */
export function externalOwnerOf({ config: { gnocchi }, clock, keystone }: GnocchiDeps): () => Promise<string | null> {
  const { external_project_owner, external_domain_name } = gnocchi;
  return hourly(clock, async () => (keystone ? keystone.projectId(external_project_owner, external_domain_name) : null));
}

/** As `openGnocchiClient`, for alarms. */
export function openGnocchi(
  deps: GnocchiDeps<KeystoneIdentity> & { observer: BackendObserver },
): Datasource<GnocchiQuery> | undefined {
  const client = openGnocchiClient(deps);
  if (client === undefined) return undefined;
  const { config, clock, observer, keystone } = deps;
  const creator = (): Promise<string | undefined> => ourCreator(config.gnocchi, keystone);
  return createGnocchiDatasource({ client, observer, clock, creator, externalOwner: externalOwnerOf(deps) });
}

/** Gnocchi's name for whoever creates something. */
async function ourCreator(
  { auth, user }: Config['gnocchi'],
  keystone: KeystoneIdentity | undefined,
): Promise<string | undefined> {
  if (auth === 'basic') return user;
  if (auth !== 'keystone' || keystone === undefined) return undefined;
  return `${await keystone.userId()}:${(await keystone.ownProjectId()) ?? ''}`;
}

function authOf({ auth, user }: Config['gnocchi'], keystone: KeystoneAccess | undefined): GnocchiAuth {
  if (auth === 'none') return { kind: 'none' };
  if (auth === 'basic') return { kind: 'basic', user };
  if (!keystone) throw new StartupError('gnocchi.auth is keystone, which takes a Keystone: set keystone.auth_url');
  return { kind: 'token', tokens: keystone };
}

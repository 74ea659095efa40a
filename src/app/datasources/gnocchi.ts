import { memoizeHourly } from '../../cache/memoize-hourly.js';
import { backendsOf, sectionName, sectionsOf, type GnocchiSettings, type Reachable } from '../../config/backends.js';
import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
} from '../../datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../datasource/gnocchi/gnocchi.js';
import { createGnocchiRuleCheck } from '../../datasource/gnocchi/rule-check.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import { StartupError } from '../../errors.js';
import {
  openEach,
  type BackendDeps,
  type BackendKind,
  type KeystoneAccess,
  type RuleCheck,
  type RuleCheckDeps,
} from './backend-kind.js';

/** The Gnocchis of `gnocchi.url` and `gnocchi.others`. */
export const gnocchi: BackendKind<'gnocchi'> = {
  names: (config) => [...backendsOf(config.gnocchi).keys()],
  open: openGnocchis,
  openRuleChecks,
};

/**
 * The ids of the projects that create the resources of all projects at each Gnocchi, by the name of the section. They
 * are looked up hourly; null if there is no such project.
 */
export function externalOwners({
  config,
  ...deps
}: Pick<RuleCheckDeps, 'config' | 'clock' | 'keystone'>): ReadonlyMap<string | null, () => Promise<string | null>> {
  return openEach(sectionsOf(config.gnocchi), (settings) => externalOwnerOf(settings, deps));
}

function openGnocchis({ config, clock, keystone, observerOf }: BackendDeps): NamedDatasources<'gnocchi'> {
  return openEach(backendsOf(config.gnocchi), (settings, name) =>
    createGnocchiDatasource({
      client: openClient(settings, name, keystone),
      observer: observerOf(name),
      clock,
      creator: () => creatorName(settings, keystone),
      externalOwner: externalOwnerOf(settings, { clock, keystone }),
    }),
  );
}

function openRuleChecks({ config, clock, resources, keystone }: RuleCheckDeps): ReadonlyMap<string | null, RuleCheck> {
  return openEach(backendsOf(config.gnocchi), (settings, name) => {
    const client = openClient(settings, name, keystone);
    resources.push(name === null ? 'Gnocchi' : `Gnocchi ${name}`, () => client.close());
    return createGnocchiRuleCheck({ gnocchi: client, clock });
  });
}

/** @throws StartupError if `auth` is keystone and Keystone is not configured. */
function openClient(
  settings: Reachable<GnocchiSettings>,
  name: string | null,
  keystone: KeystoneAccess | undefined,
): GnocchiClient {
  const auth = authOf(settings, sectionName('gnocchi', name), keystone);
  return createGnocchiClient({ url: settings.url, auth, timeoutMs: settings.timeout });
}

function externalOwnerOf(
  { external_project_owner, external_domain_name }: GnocchiSettings,
  { clock, keystone }: Pick<RuleCheckDeps, 'clock' | 'keystone'>,
): () => Promise<string | null> {
  return memoizeHourly(clock, async () =>
    keystone ? keystone.projectId(external_project_owner, external_domain_name) : null,
  );
}

/** The value that Gnocchi stores as `creator` of resources that this service creates. */
async function creatorName(
  { auth, user }: GnocchiSettings,
  keystone: BackendDeps['keystone'],
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

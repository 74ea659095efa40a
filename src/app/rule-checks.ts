import type { RuleChecks } from '../api/ports.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { createGnocchiClient, type GnocchiAuth, type Tokens } from '../datasource/gnocchi/gnocchi-client.js';
import { hourly } from '../datasource/gnocchi/hourly.js';
import { createGnocchiRuleCheck } from '../datasource/gnocchi/rule-check.js';
import { StartupError } from '../errors.js';
import type { ReleaseStack } from '../release-stack.js';

/** What the checks of rules need of Keystone. */
export interface KeystoneAccess extends Tokens {
  /** The id of a project; null when there is none of that name. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

export interface RuleChecksDeps {
  config: Pick<Config, 'gnocchi'>;
  clock: Pick<Clock, 'monotonicMs'>;
  resources: Pick<ReleaseStack, 'push'>;
  /** Undefined where no Keystone is configured. */
  keystone: KeystoneAccess | undefined;
}

/** Without `gnocchi.url` every rule passes. @throws StartupError when Gnocchi wants tokens and there is nobody to issue them. */
export function createRuleChecks({ config: { gnocchi }, clock, resources, keystone }: RuleChecksDeps): RuleChecks {
  const { external_project_owner, external_domain_name } = gnocchi;
  const externalOwner = hourly(clock, async () =>
    keystone ? keystone.projectId(external_project_owner, external_domain_name) : null,
  );
  if (gnocchi.url === undefined) return { check: () => Promise.resolve(), externalOwner };
  const client = createGnocchiClient({ url: gnocchi.url, auth: gnocchiAuth(gnocchi, keystone), timeoutMs: gnocchi.timeout });
  resources.push('Gnocchi', () => client.close());
  return { check: createGnocchiRuleCheck({ gnocchi: client, clock }), externalOwner };
}

function gnocchiAuth({ auth, user }: Config['gnocchi'], keystone: KeystoneAccess | undefined): GnocchiAuth {
  if (auth === 'none') return { kind: 'none' };
  if (auth === 'basic') return { kind: 'basic', user };
  if (!keystone) throw new StartupError('gnocchi.auth is keystone, which takes a Keystone: set keystone.auth_url');
  return { kind: 'token', tokens: keystone };
}

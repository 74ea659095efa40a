import type { RuleChecks } from '../api/ports.js';
import { createGnocchiRuleCheck } from '../datasource/gnocchi/rule-check.js';
import type { ReleaseStack } from '../release-stack.js';
import { externalOwnerOf, openGnocchiClient, type GnocchiDeps } from './datasources/gnocchi.js';

export type { KeystoneAccess } from './datasources/gnocchi.js';

export interface RuleChecksDeps extends GnocchiDeps {
  resources: Pick<ReleaseStack, 'push'>;
}

/** Without `gnocchi.url` every rule passes. @throws StartupError when Gnocchi wants tokens and there is nobody to issue them. */
export function createRuleChecks(deps: RuleChecksDeps): RuleChecks {
  const externalOwner = externalOwnerOf(deps);
  const client = openGnocchiClient(deps);
  if (client === undefined) return { check: () => Promise.resolve(), externalOwner };
  deps.resources.push('Gnocchi', () => client.close());
  return { check: createGnocchiRuleCheck({ gnocchi: client, clock: deps.clock }), externalOwner };
}

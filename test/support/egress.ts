import { rulesOf } from '../../src/app/egress.js';
import { parseConfig } from '../../src/config/parse.js';
import { createEgressGuard, type EgressGuard } from '../../src/egress/egress-guard.js';
import type { EgressRules } from '../../src/egress/egress-policy.js';
import { NO_HEAT } from '../../src/egress/heat-endpoints.js';

/** An entry of `egress.allow` as an operator writes it. */
export interface WrittenEntry {
  cidr?: string;
  hostname?: string;
  ports?: (number | string)[];
  projects?: string[];
}

export interface RuleChanges extends Partial<Omit<EgressRules, 'allow'>> {
  allow?: readonly WrittenEntry[];
}

/** The rules of a service with authentication, and these entries and changes. */
export function openRules({ allow = [], ...changes }: RuleChanges = {}): EgressRules {
  const reach = { privateAllowed: false, loopbackAllowed: false };
  return { ...rulesOf(parseConfig({ egress: { allow } }), reach), ...changes };
}

/**
 * A guard for an installation without services of its own. By default as for a service on loopback without
 * authentication, but with every port: receivers of tests take a free one.
 */
export function egressWith(changes: RuleChanges = {}): EgressGuard {
  const rules = openRules({ privateAllowed: true, isDeniedPort: () => false, ...changes });
  return createEgressGuard({ rules, ownServices: async () => new Set(), heat: NO_HEAT });
}

import type { AlarmRule } from '../alarm/types/index.js';
import type { RuleAuthor, RuleChecks } from '../api/ports.js';
import type { Clock } from '../clock.js';
import { gnocchiBackends, gnocchiSections, prometheusBackends, prometheusSections, sectionName } from '../config/backends.js';
import type { Config } from '../config/schema.js';
import { createGnocchiRuleCheck } from '../datasource/gnocchi/rule-check.js';
import { createPrometheusRuleCheck, type PrometheusRuleCheckOptions } from '../datasource/prometheus/rule-check.js';
import type { ReleaseStack } from '../release-stack.js';
import { externalOwnerOf, openGnocchiClient, type KeystoneAccess } from './datasources/gnocchi.js';

export type { KeystoneAccess } from './datasources/gnocchi.js';

export interface RuleChecksDeps {
  config: Pick<Config, 'gnocchi' | 'prometheus'>;
  clock: Pick<Clock, 'monotonicMs'>;
  resources: Pick<ReleaseStack, 'push'>;
  /** Undefined where no Keystone is configured. */
  keystone: KeystoneAccess | undefined;
  enforceLabel: PrometheusRuleCheckOptions['enforceLabel'];
}

/** What one backend has to say of a rule. */
type Check = (rule: AlarmRule, author: RuleAuthor) => Promise<void> | void;

/**
 * Each rule is looked at by the backend that its alarm names, else by the default one; where that is not configured, it passes.
 * @throws StartupError when a Gnocchi wants tokens and there is nobody to issue them.
 */
export function createRuleChecks(deps: RuleChecksDeps): RuleChecks {
  const { config } = deps;
  const gnocchi = gnocchiChecks(deps);
  const prometheus = prometheusChecks(deps);
  const owners = externalOwners(deps);
  const names = { gnocchi: namesOf(gnocchiBackends(config)), prometheus: namesOf(prometheusBackends(config)) };
  return {
    async check(rule, author, backend) {
      await prometheus.get(backend)?.(rule, author);
      await gnocchi.get(backend)?.(rule, author);
    },
    externalOwner: async (backend) => owners.get(backend)?.() ?? null,
    knownBackends: (kind) => names[kind],
  };
}

function gnocchiChecks({ config, clock, resources, keystone }: RuleChecksDeps): Map<string | null, Check> {
  const checks = new Map<string | null, Check>();
  for (const [name, settings] of gnocchiBackends(config)) {
    const client = openGnocchiClient({ settings, section: sectionName('gnocchi', name), keystone });
    resources.push(name === null ? 'Gnocchi' : `Gnocchi ${name}`, () => client.close());
    checks.set(name, createGnocchiRuleCheck({ gnocchi: client, clock }));
  }
  return checks;
}

function prometheusChecks({ config, enforceLabel }: RuleChecksDeps): Map<string | null, Check> {
  const checks = [...prometheusSections(config)].map(([name, { url, tenancy, project_label: projectLabel }]) => {
    const setting = `${sectionName('prometheus', name)}.tenancy`;
    const check = createPrometheusRuleCheck({ tenancy, projectLabel, setting, isConfigured: url !== undefined, enforceLabel });
    return [name, check] as const;
  });
  return new Map(checks);
}

function externalOwners({ config, clock, keystone }: RuleChecksDeps): Map<string | null, () => Promise<string | null>> {
  const owners = [...gnocchiSections(config)].map(
    ([name, settings]) => [name, externalOwnerOf(settings, { clock, keystone })] as const,
  );
  return new Map(owners);
}

function namesOf(backends: ReadonlyMap<string | null, unknown>): string[] {
  return [...backends.keys()].filter((name) => name !== null).sort();
}

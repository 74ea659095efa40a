import type { AlarmRule } from '../alarm/types/index.js';
import type { RuleAuthor, RuleChecks } from '../api/ports.js';
import type { Clock } from '../clock.js';
import {
  gnocchiBackends,
  gnocchiSections,
  prometheusBackends,
  prometheusSections,
  sectionName,
  type GnocchiSettings,
} from '../config/backends.js';
import type { Config } from '../config/schema.js';
import { createGnocchiClient, type GnocchiAuth, type Tokens } from '../datasource/gnocchi/gnocchi-client.js';
import { hourly } from '../datasource/gnocchi/hourly.js';
import { createGnocchiRuleCheck } from '../datasource/gnocchi/rule-check.js';
import { createPrometheusRuleCheck, type PrometheusRuleCheckOptions } from '../datasource/prometheus/rule-check.js';
import { StartupError } from '../errors.js';
import type { ReleaseStack } from '../release-stack.js';

/** What the checks of rules need of Keystone. */
export interface KeystoneAccess extends Tokens {
  /** The id of a project; null when there is none of that name. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

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
    const auth = gnocchiAuth(settings, sectionName('gnocchi', name), keystone);
    const client = createGnocchiClient({ url: settings.url, auth, timeoutMs: settings.timeout });
    resources.push(name === null ? 'Gnocchi' : `Gnocchi ${name}`, () => client.close());
    checks.set(name, createGnocchiRuleCheck({ gnocchi: client, clock }));
  }
  return checks;
}

function gnocchiAuth({ auth, user }: GnocchiSettings, section: string, keystone: KeystoneAccess | undefined): GnocchiAuth {
  if (auth === 'none') return { kind: 'none' };
  if (auth === 'basic') return { kind: 'basic', user };
  if (!keystone) throw new StartupError(`${section}.auth is keystone, which takes a Keystone: set keystone.auth_url`);
  return { kind: 'token', tokens: keystone };
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
  const owners = [...gnocchiSections(config)].map(([name, { external_project_owner: owner, external_domain_name: domain }]) => {
    return [name, hourly(clock, async () => (keystone ? keystone.projectId(owner, domain) : null))] as const;
  });
  return new Map(owners);
}

function namesOf(backends: ReadonlyMap<string | null, unknown>): string[] {
  return [...backends.keys()].filter((name) => name !== null).sort();
}

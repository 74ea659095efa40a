import { noBackendHint } from '../alarm/state-reason.js';
import type { Backend } from '../alarm/types/alarm-type.js';
import { typeOf, type AlarmRule } from '../alarm/types/index.js';
import type { RuleAuthor, RuleChecks } from '../api/ports.js';
import type { Clock } from '../clock.js';
import {
  gnocchiBackends,
  gnocchiSections,
  prometheusBackends,
  prometheusSections,
  sectionName,
  type PrometheusSettings,
  type Reachable,
} from '../config/backends.js';
import type { Config } from '../config/schema.js';
import { createGnocchiRuleCheck } from '../datasource/gnocchi/rule-check.js';
import { createFormatCheck } from '../datasource/prometheus/format-check.js';
import { createPrometheusRuleCheck, type PrometheusRuleCheckOptions } from '../datasource/prometheus/rule-check.js';
import type { ReleaseStack } from '../release-stack.js';
import { externalOwnerOf, openGnocchiClient, type KeystoneAccess } from './datasources/gnocchi.js';
import { openPrometheusClient } from './datasources/prometheus.js';

export type { KeystoneAccess } from './datasources/gnocchi.js';

/** Dependencies of the checks of rules. */
export interface RuleChecksDeps {
  config: Pick<Config, 'gnocchi' | 'prometheus' | 'octavia'>;
  clock: Pick<Clock, 'monotonicMs'>;
  resources: Pick<ReleaseStack, 'push'>;
  /** Undefined if Keystone is not configured. */
  keystone: KeystoneAccess | undefined;
  enforceLabel: PrometheusRuleCheckOptions['enforceLabel'];
}

/**
 * Checks a rule at one backend. Resolves to the reason why the rule was not checked, as a clause whose subject is the
 * backend.
 */
type Check = (rule: AlarmRule, author: RuleAuthor) => Promise<string | undefined>;

/** Longest time for Prometheus to parse a query while the API client waits. Then the rule counts as not checked. */
const MAX_PARSING_MS = 5_000;

/**
 * Creates the checks of rules. The backend that the alarm names, or the default one, checks a rule. A rule passes if
 * that backend is not configured.
 * @throws StartupError if a Gnocchi needs Keystone tokens and Keystone is not configured.
 */
export function createRuleChecks(deps: RuleChecksDeps): RuleChecks {
  const { config } = deps;
  const gnocchi = gnocchiChecks(deps);
  const prometheus = prometheusChecks(deps);
  const owners = externalOwners(deps);
  const configured = configuredBackends(deps);
  const names = { gnocchi: namesOf(gnocchiBackends(config)), prometheus: namesOf(prometheusBackends(config)) };
  return {
    async check(rule, author, backend) {
      const name = backend === null ? '' : ` ${backend}`;
      const ofPrometheus = await prometheus.get(backend)?.(rule, author);
      const ofGnocchi = await gnocchi.get(backend)?.(rule, author);
      return [
        ...(ofPrometheus === undefined ? [] : [`the prometheus backend${name} ${ofPrometheus}`]),
        ...(ofGnocchi === undefined ? [] : [`the gnocchi backend${name} ${ofGnocchi}`]),
      ];
    },
    missingBackends: (rule, backend) =>
      typeOf(rule)
        .backends(rule)
        .filter((kind) => !configured[kind].has(kind === 'octavia' ? null : backend))
        .map((kind) => noBackendHint(kind, kind === 'octavia' ? null : backend)),
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

function prometheusChecks({ config, enforceLabel, resources }: RuleChecksDeps): Map<string | null, Check> {
  const checks = [...prometheusSections(config)].map(([name, settings]) => {
    const { url, tenancy, project_label: projectLabel } = settings;
    const section = sectionName('prometheus', name);
    const setting = `${section}.tenancy`;
    const confine = createPrometheusRuleCheck({
      tenancy,
      projectLabel,
      setting,
      isConfigured: url !== undefined,
      enforceLabel,
    });
    const parse = url === undefined ? undefined : openFormatCheck({ ...settings, url }, section, resources);
    const check: Check = async (rule, author) => {
      confine(rule, author);
      return parse?.(rule);
    };
    return [name, check] as const;
  });
  return new Map(checks);
}

function openFormatCheck(
  settings: Reachable<PrometheusSettings>,
  section: string,
  resources: RuleChecksDeps['resources'],
): ReturnType<typeof createFormatCheck> {
  const timeout = Math.min(settings.timeout, MAX_PARSING_MS);
  const opened = openPrometheusClient({ ...settings, timeout }, section);
  resources.push(`rule checks of ${section}`, () => opened.client.close());
  return createFormatCheck(opened);
}

/** Names of the configured backends by kind; null is the default backend. */
function configuredBackends({
  config,
  keystone,
}: RuleChecksDeps): Record<Backend, { has(name: string | null): boolean }> {
  const hasOctavia = config.octavia.url !== undefined || keystone !== undefined;
  return {
    meters: { has: () => true },
    gnocchi: gnocchiBackends(config),
    prometheus: prometheusBackends(config),
    octavia: { has: () => hasOctavia },
  };
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

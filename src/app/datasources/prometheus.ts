import { readFileSync } from 'node:fs';
import { validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';

import { backendsOf, sectionName, sectionsOf, type PrometheusSettings, type Reachable } from '../../config/backends.js';
import { createFormatCheck } from '../../datasource/prometheus/format-check.js';
import {
  createPrometheusClient,
  type PrometheusAuth,
  type PrometheusClient,
} from '../../datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../datasource/prometheus/prometheus.js';
import { createPrometheusRuleCheck } from '../../datasource/prometheus/rule-check.js';
import { SELECT_ALL_DEFAULTS } from '../../datasource/prometheus/select-all.js';
import type { Tenancy } from '../../datasource/prometheus/tenancy.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import { StartupError, toError } from '../../errors.js';
import { openEach, type BackendDeps, type BackendKind, type RuleCheck, type RuleCheckDeps } from './backend-kind.js';

/** The Prometheuses of `prometheus.url` and `prometheus.others`. */
export const prometheus = {
  names: (config) => [...backendsOf(config.prometheus).keys()],
  open: openPrometheuses,
  openRuleChecks,
  reservedFor,
} satisfies BackendKind<'prometheus'>;

function reservedFor({ prometheus: section }: BackendDeps['config']): string | undefined {
  const configured = backendsOf(section);
  const sections = configured.size > 0 ? configured : sectionsOf(section);
  if (![...sections.values()].every(({ tenancy }) => tenancy === 'none')) return undefined;
  const settings = [...sections.keys()].map((name) => `${sectionName('prometheus', name)}.tenancy`).join(' and ');
  return `only admins may use Prometheus, since ${settings} ${sections.size === 1 ? 'is' : 'are'} none`;
}

/** Longest time for Prometheus to parse a query while the API client waits. Then the rule counts as not checked. */
const MAX_PARSING_MS = 5_000;

function openPrometheuses({
  config,
  observerOf,
}: Pick<BackendDeps, 'config' | 'observerOf'>): NamedDatasources<'prometheus'> {
  return openEach(backendsOf(config.prometheus), (settings, name) => {
    const opened = openClient(settings, sectionName('prometheus', name));
    return createPrometheusDatasource({
      ...opened,
      observer: observerOf(name),
      queriesPerRequest: settings.queries_per_request,
      selectAll: settings.select_all ? SELECT_ALL_DEFAULTS : null,
    });
  });
}

function openRuleChecks({ config, resources }: RuleCheckDeps): ReadonlyMap<string | null, RuleCheck> {
  return openEach(sectionsOf(config.prometheus), (settings, name) => {
    const { url, tenancy, project_label: projectLabel } = settings;
    const section = sectionName('prometheus', name);
    const setting = `${section}.tenancy`;
    const confine = createPrometheusRuleCheck({ tenancy, projectLabel, setting, isConfigured: url !== undefined });
    const parse = url === undefined ? undefined : openFormatCheck({ ...settings, url }, section, resources);
    return async (rule, author) => {
      confine(rule, author);
      return parse?.(rule);
    };
  });
}

function openFormatCheck(
  settings: Reachable<PrometheusSettings>,
  section: string,
  resources: RuleCheckDeps['resources'],
): ReturnType<typeof createFormatCheck> {
  const timeout = Math.min(settings.timeout, MAX_PARSING_MS);
  const opened = openClient({ ...settings, timeout }, section);
  resources.push(`rule checks of ${section}`, () => opened.client.close());
  return createFormatCheck(opened);
}

/** @throws StartupError for unusable certificate files. `section` is the name in the configuration, for messages. */
function openClient(
  settings: Reachable<PrometheusSettings>,
  section: string,
): { client: PrometheusClient; tenancy: Tenancy } {
  const pemIn = (option: 'ca_file' | 'certificate_file' | 'key_file'): string | undefined => {
    const file = settings[option];
    return file === undefined
      ? undefined
      : tried(`${section}.${option}: cannot read ${file}`, () => readFileSync(file, 'utf8'));
  };
  const tls = { ca: pemIn('ca_file'), certificate: pemIn('certificate_file'), key: pemIn('key_file') };
  tried(`${section}: the certificates cannot be used`, () =>
    createSecureContext({ ca: tls.ca, cert: tls.certificate, key: tls.key }),
  );
  const client = createPrometheusClient({
    url: settings.url,
    auth: authOf(settings),
    tls,
    timeoutMs: settings.timeout,
  });
  return { client, tenancy: tenancyOf(settings, section) };
}

/** The configuration is valid, so the options that `auth` needs are set. */
function authOf({ auth, user = '', password, token }: PrometheusSettings): PrometheusAuth {
  if (auth === 'basic' && password) return { kind: 'basic', user, password };
  if (auth === 'bearer' && token) return { kind: 'bearer', token };
  return { kind: 'none' };
}

function tenancyOf(settings: PrometheusSettings, section: string): Tenancy {
  const { tenancy, project_label, tenant_header, admin_tenant: adminTenant } = settings;
  if (tenancy === 'none') return { kind: 'none' };
  if (tenancy === 'label') return { kind: 'label', label: project_label };
  if (adminTenant !== undefined) {
    tried(`${section}.admin_tenant cannot stand in a header`, () => validateHeaderValue(tenant_header, adminTenant));
  }
  return { kind: 'header', header: tenant_header, adminTenant };
}

function tried<T>(problem: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new StartupError(`${problem}: ${toError(cause).message}`, { cause });
  }
}

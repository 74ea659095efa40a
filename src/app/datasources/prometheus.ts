import { readFileSync } from 'node:fs';
import { validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';

import type { PrometheusQuery } from '../../alarm/series.js';
import { prometheusBackends, sectionName, type PrometheusSettings, type Reachable } from '../../config/backends.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver, Datasource } from '../../datasource/datasource.js';
import type { Tenancy } from '../../datasource/prometheus/tenancy.js';
import {
  createPrometheusClient,
  type PrometheusAuth,
  type PrometheusClient,
} from '../../datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../datasource/prometheus/prometheus.js';
import { SELECT_ALL_DEFAULTS } from '../../datasource/prometheus/select-all.js';
import type { NamedDatasources } from '../../datasource/registry.js';
import { StartupError, toError } from '../../errors.js';

/** All configured Prometheuses by name. Sends no request yet. @throws StartupError for unusable certificate files. */
export function openPrometheuses(
  config: Pick<Config, 'prometheus'>,
  observerOf: (name: string | null) => BackendObserver,
): NamedDatasources<'prometheus'> {
  const opened = [...prometheusBackends(config)].map(([name, settings]) => {
    return [
      name,
      openPrometheus(settings, { section: sectionName('prometheus', name), observer: observerOf(name) }),
    ] as const;
  });
  return new Map(opened);
}

interface Opening {
  /** Name of its section in the configuration, for messages. */
  section: string;
  observer: BackendObserver;
}

function openPrometheus(
  settings: Reachable<PrometheusSettings>,
  { section, observer }: Opening,
): Datasource<PrometheusQuery> {
  return createPrometheusDatasource({
    ...openPrometheusClient(settings, section),
    observer,
    queriesPerRequest: settings.queries_per_request,
    selectAll: settings.select_all ? SELECT_ALL_DEFAULTS : null,
  });
}

/**
 * Creates a client. `section` is the name of its section in the configuration, for messages.
 * @throws StartupError as `openPrometheuses`.
 */
export function openPrometheusClient(
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

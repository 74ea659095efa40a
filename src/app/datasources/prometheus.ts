import { readFileSync } from 'node:fs';
import { validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';

import type { PrometheusQuery } from '../../alarm/series.js';
import type { Config } from '../../config/schema.js';
import type { BackendObserver, Datasource } from '../../datasource/datasource.js';
import type { Tenancy } from '../../datasource/prometheus/plan-queries.js';
import { createPrometheusClient, type PrometheusAuth } from '../../datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../datasource/prometheus/prometheus.js';
import { StartupError, toError } from '../../errors.js';

/** Undefined where none is configured. Asks nothing yet. @throws StartupError for files that cannot be read, or used. */
export function openPrometheus(
  { prometheus: options }: Pick<Config, 'prometheus'>,
  observer: BackendObserver,
): Datasource<PrometheusQuery> | undefined {
  if (options.url === undefined) return undefined;
  const tls = {
    ca: pemIn('ca_file', options.ca_file),
    certificate: pemIn('certificate_file', options.certificate_file),
    key: pemIn('key_file', options.key_file),
  };
  tried('prometheus: the certificates cannot be used', () =>
    createSecureContext({ ca: tls.ca, cert: tls.certificate, key: tls.key }),
  );
  const client = createPrometheusClient({ url: options.url, auth: authOf(options), tls, timeoutMs: options.timeout });
  return createPrometheusDatasource({ client, tenancy: tenancyOf(options), observer });
}

/** The configuration was checked: what a kind of authentication needs is there. */
function authOf({ auth, user = '', password, token }: Config['prometheus']): PrometheusAuth {
  if (auth === 'basic' && password) return { kind: 'basic', user, password };
  if (auth === 'bearer' && token) return { kind: 'bearer', token };
  return { kind: 'none' };
}

function tenancyOf({ tenancy, project_label, tenant_header, admin_tenant: adminTenant }: Config['prometheus']): Tenancy {
  if (tenancy === 'none') return { kind: 'none' };
  if (tenancy === 'label') return { kind: 'label', label: project_label };
  if (adminTenant !== undefined) {
    tried('prometheus.admin_tenant cannot stand in a header', () => validateHeaderValue(tenant_header, adminTenant));
  }
  return { kind: 'header', header: tenant_header, adminTenant };
}

function pemIn(option: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : tried(`prometheus.${option}: cannot read ${file}`, () => readFileSync(file, 'utf8'));
}

function tried<T>(problem: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new StartupError(`${problem}: ${toError(cause).message}`, { cause });
  }
}

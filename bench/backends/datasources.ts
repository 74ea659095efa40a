import type { PrometheusQuery } from '../../src/alarm/series.js';
import type { BackendObserver, Datasource } from '../../src/datasource/datasource.js';
import { createPrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';

const TIMEOUT_MS = 60_000;

/** As it is with nothing but the address configured, and an admin's alarms. */
export function prometheusDatasource(url: string, observer: BackendObserver): Datasource<PrometheusQuery> {
  const client = createPrometheusClient({ url, auth: { kind: 'none' }, timeoutMs: TIMEOUT_MS });
  return createPrometheusDatasource({ client, tenancy: { kind: 'label', label: 'project' }, observer });
}

import type { GnocchiQuery, PrometheusQuery } from '../../src/alarm/series.js';
import { createSystemClock } from '../../src/clock.js';
import type { BackendObserver, Datasource } from '../../src/datasource/datasource.js';
import { createGnocchiClient } from '../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import { createPrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import {
  createPrometheusDatasource,
  type PrometheusDatasourceDeps,
} from '../../src/datasource/prometheus/prometheus.js';

const TIMEOUT_MS = 60_000;

/** How queries are merged; the defaults of the configuration if nothing is said. */
export type Merging = Pick<PrometheusDatasourceDeps, 'queriesPerRequest' | 'selectAll'>;

/** As it is with nothing but the address and the merging configured, and an admin's alarms. */
export function prometheusDatasource(
  url: string,
  observer: BackendObserver,
  merging: Merging = {},
): Datasource<PrometheusQuery> {
  const client = createPrometheusClient({ url, auth: { kind: 'none' }, timeoutMs: TIMEOUT_MS });
  return createPrometheusDatasource({ client, tenancy: { kind: 'label', label: 'project' }, observer, ...merging });
}

/** As it is with nothing but the address configured, and an admin's alarms. */
export function gnocchiDatasource(url: string, observer: BackendObserver): Datasource<GnocchiQuery> {
  const client = createGnocchiClient({ url, auth: { kind: 'basic', user: 'admin' }, timeoutMs: TIMEOUT_MS });
  const [creator, externalOwner] = [() => Promise.resolve('admin'), () => Promise.resolve(null)];
  return createGnocchiDatasource({ client, observer, clock: createSystemClock(), creator, externalOwner });
}

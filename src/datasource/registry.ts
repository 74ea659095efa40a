import type { DatasourceKind } from '../alarm/series.js';
import type { BackendObserver, Datasource, Datasources, QueryOf } from './datasource.js';
import { createMetersDatasource, type MeterStatistics } from './meters/meters.js';

/** Of one kind, by name; the default one's is null. */
export type NamedDatasources<Kind extends DatasourceKind> = ReadonlyMap<string | null, Datasource<QueryOf<Kind>>>;

export interface DatasourceDeps {
  meterStatistics: MeterStatistics;
  observerOf: (kind: DatasourceKind, name: string | null) => BackendObserver;
  /** What is configured of the kinds that take a server; the meters are always there. */
  remote?: { [Kind in Exclude<DatasourceKind, 'meters'>]?: NamedDatasources<Kind> };
}

/** Every kind of backend, one line each. */
export function createDatasources({ meterStatistics, observerOf, remote = {} }: DatasourceDeps): Datasources {
  const configured: { [Kind in DatasourceKind]: NamedDatasources<Kind> } = {
    meters: new Map([[null, createMetersDatasource({ store: meterStatistics, observer: observerOf('meters', null) })]]),
    gnocchi: remote.gnocchi ?? new Map(),
    prometheus: remote.prometheus ?? new Map(),
    octavia: remote.octavia ?? new Map(),
  };
  return {
    find: (kind, name) => configured[kind].get(name),
    close() {
      for (const named of Object.values(configured)) for (const one of named.values()) one.close?.();
    },
  };
}

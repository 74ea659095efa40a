import type { DatasourceKind } from '../alarm/series.js';
import type { BackendObserver, Datasource, Datasources, QueryOf } from './datasource.js';
import { createMetersDatasource, type MeterStatistics } from './meters/meters.js';

/** The datasources of one kind, by name; the default one's is null. */
export type NamedDatasources<Kind extends DatasourceKind> = ReadonlyMap<string | null, Datasource<QueryOf<Kind>>>;

export interface DatasourceDeps {
  meterStatistics: MeterStatistics;
  observerOf: (kind: DatasourceKind, name: string | null) => BackendObserver;
  /** The configured datasources of the kinds that take a server. The built-in meters are always there. */
  remote?: { [Kind in Exclude<DatasourceKind, 'meters'>]?: NamedDatasources<Kind> };
}

/** Makes the registry of datasources: one line for each kind. */
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

import type { DatasourceKind } from '../alarm/series.js';
import type { BackendObserver, Datasource, QueryOf } from './datasource.js';
import { createMetersDatasource, type MeterSeriesStore } from './meters/meters.js';

/** The datasources of one kind, by name; the default one's is null. */
export type NamedDatasources<Kind extends DatasourceKind> = ReadonlyMap<string | null, Datasource<QueryOf<Kind>>>;

export interface DatasourceDeps {
  meterSeriesStore: MeterSeriesStore;
  observerOf: (kind: DatasourceKind, name: string | null) => BackendObserver;
  /** The configured datasources of the kinds that take a server. The built-in meters are always there. */
  remote?: { [Kind in Exclude<DatasourceKind, 'meters'>]?: NamedDatasources<Kind> };
}

/** The configured backends. */
export interface Datasources {
  /** Undefined when there is no such backend. `name` is null for the default one of its kind. */
  find(kind: DatasourceKind, name: string | null): Datasource<never> | undefined;
  close(): void;
}

/** Makes the registry of datasources: one line for each kind. */
export function createDatasources({ meterSeriesStore, observerOf, remote = {} }: DatasourceDeps): Datasources {
  const configured: { [Kind in DatasourceKind]: NamedDatasources<Kind> } = {
    meters: new Map([
      [null, createMetersDatasource({ store: meterSeriesStore, observer: observerOf('meters', null) })],
    ]),
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

import type { DatasourceKind } from '../alarm/series.js';
import type { Datasource, QueryOf } from './datasource.js';

/** The datasources of one kind, by name; the default one's is null. */
export type NamedDatasources<Kind extends DatasourceKind> = ReadonlyMap<string | null, Datasource<QueryOf<Kind>>>;

/** The configured datasources by kind. */
export type ConfiguredDatasources = { [Kind in DatasourceKind]?: NamedDatasources<Kind> };

/** The configured backends. */
export interface Datasources {
  /** Undefined when there is no such backend. `name` is null for the default one of its kind. */
  find<Kind extends DatasourceKind>(kind: Kind, name: string | null): Datasource<QueryOf<Kind>> | undefined;
  close(): void;
}

/** Makes the registry of datasources. */
export function createDatasources(configured: ConfiguredDatasources): Datasources {
  return {
    find: (kind, name) => configured[kind]?.get(name),
    close() {
      for (const named of Object.values(configured)) for (const one of named.values()) one.close?.();
    },
  };
}

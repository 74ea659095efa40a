import type { BackendObserver } from '../../datasource/datasource.js';
import { createDatasources, type Datasources } from '../../datasource/registry.js';
import type { BackendDeps } from './backend-kind.js';
import type { BackendHealth } from './backend-health.js';
import { BACKEND_KINDS, KIND_NAMES } from './kinds.js';

/** Dependencies of the datasources. */
export interface DatasourcesDeps extends Omit<BackendDeps, 'observerOf'> {
  health: Pick<BackendHealth, 'observerOf'>;
}

/** All configured backends. Sends no request yet. @throws StartupError for settings that cannot work. */
export function openDatasources({ health, ...deps }: DatasourcesDeps): Datasources {
  const opened = KIND_NAMES.map((kind) => {
    const observerOf = (name: string | null): BackendObserver => health.observerOf(kind, name);
    return [kind, BACKEND_KINDS[kind].open({ ...deps, observerOf })] as const;
  });
  return createDatasources(Object.fromEntries(opened));
}

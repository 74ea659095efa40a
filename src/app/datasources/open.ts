import type { Clock } from '../../clock.js';
import type { Config } from '../../config/schema.js';
import { createDatasources, type Datasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { Database } from '../../storage/database.js';
import { createMeterSeriesStore } from '../../storage/meters/meter-series-store.js';
import type { BackendHealth } from './backend-health.js';
import { openGnocchis } from './gnocchi.js';
import { openOctavia } from './octavia.js';
import { openPrometheuses } from './prometheus.js';

/** Dependencies of the datasources. */
export interface DatasourcesDeps {
  config: Config;
  db: Database;
  keystone: KeystoneSession | undefined;
  clock: Pick<Clock, 'monotonicMs'>;
  health: Pick<BackendHealth, 'observerOf'>;
}

/** All configured backends. Sends no request yet. @throws StartupError for settings that cannot work. */
export function openDatasources({ config, db, keystone, clock, health: { observerOf } }: DatasourcesDeps): Datasources {
  return createDatasources({
    meterSeriesStore: createMeterSeriesStore(db),
    observerOf,
    remote: {
      gnocchi: openGnocchis({ config, clock, keystone, observerOf: (name) => observerOf('gnocchi', name) }),
      prometheus: openPrometheuses(config, (name) => observerOf('prometheus', name)),
      octavia: openOctavia({ config, keystone, observer: observerOf('octavia', null) }),
    },
  });
}

import type { Config } from '../../config/schema.js';
import type { Datasources } from '../../datasource/datasource.js';
import { createDatasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { Database } from '../../storage/database.js';
import { createMeterSeriesStore } from '../../storage/meter-series-store.js';
import type { BackendHealth } from './backend-health.js';
import { openOctavia } from './octavia.js';

export interface DatasourcesDeps {
  config: Config;
  db: Database;
  keystone: KeystoneSession | undefined;
  health: Pick<BackendHealth, 'observerOf'>;
}

/** Every backend that is configured. Asks none of them yet. @throws StartupError for settings that cannot work. */
export function openDatasources({ config, db, keystone, health }: DatasourcesDeps): Datasources {
  const { observerOf } = health;
  const octavia = openOctavia({ config, keystone, observer: observerOf('octavia', null) });
  return createDatasources({ meterStatistics: createMeterSeriesStore(db), observerOf, remote: { octavia } });
}

import type { Clock } from '../../clock.js';
import type { Config } from '../../config/schema.js';
import type { DatasourceKind } from '../../alarm/series.js';
import type { BackendObserver, Datasources } from '../../datasource/datasource.js';
import { createDatasources } from '../../datasource/registry.js';
import type { KeystoneSession } from '../../keystone/session.js';
import type { Database } from '../../storage/database.js';
import { createMeterSeriesStore } from '../../storage/meter-series-store.js';
import type { Telemetry } from '../../telemetry.js';
import { openGnocchi } from './gnocchi.js';

export interface DatasourcesDeps {
  config: Config;
  db: Database;
  keystone: KeystoneSession | undefined;
  clock: Pick<Clock, 'monotonicMs'>;
  telemetry: Telemetry;
}

/** Every backend that is configured. Asks none of them yet. @throws StartupError for settings that cannot work. */
export function openDatasources({ config, db, keystone, clock, telemetry }: DatasourcesDeps): Datasources {
  const observerOf = (datasource: DatasourceKind): BackendObserver => ({
    succeeded: () => telemetry.backendQueries.inc({ datasource, outcome: 'ok' }),
    failed: () => telemetry.backendQueries.inc({ datasource, outcome: 'failed' }),
  });
  const gnocchi = openGnocchi({ config, clock, keystone, observer: observerOf('gnocchi') });
  const remote = { ...(gnocchi && { gnocchi: new Map([[null, gnocchi]]) }) };
  return createDatasources({ meterStatistics: createMeterSeriesStore(db), observerOf, remote });
}

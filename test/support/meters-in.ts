import type { BackendObserver } from '../../src/datasource/datasource.js';
import { createMetersDatasource } from '../../src/datasource/meters/meters.js';
import type { NamedDatasources } from '../../src/datasource/registry.js';
import type { Database } from '../../src/storage/database.js';
import { createMeterSeriesStore } from '../../src/storage/meters/meter-series-store.js';

/** The built-in meters of a database, for `createDatasources`. */
export function metersIn(db: Database, observer: BackendObserver): NamedDatasources<'meters'> {
  return new Map([[null, createMetersDatasource({ store: createMeterSeriesStore(db), observer })]]);
}

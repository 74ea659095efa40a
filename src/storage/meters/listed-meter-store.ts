import type { Database } from '../database.js';
import type { Scope } from '../scope.js';
import type { ListedMeterPage, ListedMeterQuery, ListedResourcePage, ListedResourceQuery } from './listed-meter.js';
import { meterPage } from './listed-meters.js';
import { resourcePage } from './listed-resources.js';

export type ListedMeterStore = ReturnType<typeof createListedMeterStore>;

/** Lists of meters and resources, for tables of a page. They read no samples. */
export function createListedMeterStore(db: Database) {
  return {
    meters: (scope: Scope, query: ListedMeterQuery): Promise<ListedMeterPage> => meterPage(db, scope, query),
    resources: (scope: Scope, query: ListedResourceQuery): Promise<ListedResourcePage> =>
      resourcePage(db, scope, query),
  };
}

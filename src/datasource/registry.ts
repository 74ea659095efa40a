import type { SeriesNeed } from '../alarm/series.js';
import type { Datasource } from './datasource.js';
import { createMetersDatasource, type MeterStatistics } from './meters/meters.js';

export interface DatasourceDeps {
  meterStatistics: MeterStatistics;
  onQuery: (datasource: SeriesNeed['datasource'], outcome: 'ok' | 'failed') => void;
}

/** Every metrics backend, one line each. */
export function createDatasources(deps: DatasourceDeps): Record<SeriesNeed['datasource'], Datasource> {
  return {
    meters: createMetersDatasource({ store: deps.meterStatistics, onQuery: (outcome) => deps.onQuery('meters', outcome) }),
  };
}

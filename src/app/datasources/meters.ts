import { createMetersDatasource } from '../../datasource/meters/meters.js';
import { createMeterSeriesStore } from '../../storage/meters/meter-series-store.js';
import type { BackendKind } from './backend-kind.js';

/** The built-in meters, which need no server and are always there. */
export const meters: BackendKind<'meters'> = {
  title: 'the built-in meters',
  names: () => [null],
  open: ({ db, observerOf }) =>
    new Map([[null, createMetersDatasource({ store: createMeterSeriesStore(db), observer: observerOf(null) })]]),
};

import { describe } from '@jest/globals';

import type { MeterQuery } from '../../../src/alarm/series.js';
import { createMetersDatasource } from '../../../src/datasource/meters/meters.js';
import type { Database } from '../../../src/storage/database.js';
import { createMeterSeriesStore } from '../../../src/storage/meters/meter-series-store.js';
import { datasourceContract, METRICS, PERIODS, storedValue, type Subject } from '../../contract/datasource.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeSample } from '../../support/stored-alarms.js';

const PERIOD_S = 60;
const observer = { succeeded: () => undefined, failed: () => undefined };

async function subject(open: () => Promise<Database>): Promise<Subject<MeterQuery>> {
  const db = await open();
  const gone = await open();
  await gone.close();
  for (let n = 0; n < METRICS; n += 1) {
    for (let age = 0; age < PERIODS; age += 1) {
      const at = new Date(NOON.getTime() - (age + 0.5) * PERIOD_S * 1000);
      await storeSample(db, `meter${n}`, { volume: storedValue(n, age), at, resource: `r${n}` });
    }
  }
  return {
    datasource: createMetersDatasource({ store: createMeterSeriesStore(db), observer }),
    unreachable: createMetersDatasource({ store: createMeterSeriesStore(gone), observer }),
    kind: 'meters',
    now: NOON,
    granularityS: PERIOD_S,
    // Of two shapes, so that one request is not enough.
    query: (n) =>
      n % 2 === 0 ? { meter: `meter${n}`, project: null } : { meter: `meter${n}`, project: null, resourceId: `r${n}` },
    absent: { meter: 'nothing', project: null },
    hidden: { meter: 'meter1', project: 'somebody-else' },
    close: () => db.close(),
  };
}

describe('meters in the embedded database', () => datasourceContract(() => subject(embeddedDatabase)));
describeWithPostgres('meters in PostgreSQL', () => datasourceContract(() => subject(serverDatabase)));

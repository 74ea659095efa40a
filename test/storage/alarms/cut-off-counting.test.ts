import { afterEach, expect, test } from '@jest/globals';

import { createSystemClock } from '../../../src/clock.js';
import { startCounting } from '../../../src/storage/alarms/alarm-count-store.js';
import { makeCutOff, openPatient } from '../../support/cut-off-request.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';
import { storeAlarms, thresholdRule } from '../../support/stored-alarms.js';

const OWNER = { kind: 'project', id: 'p' } as const;
const clock = createSystemClock();

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describeWithPostgres('a client that is cut off while it begins to count the alarms of a project', () => {
  test.each([1, 2, 3, 4, 5])('after %i requests delays no change of an alarm', async (writes) => {
    const url = await freshPostgresUrl();
    const db = await openPatient(url, 2);
    undo.push(() => db.close());
    await storeAlarms(
      db,
      ['a', 'b'].map((id) => ({ id, rule: thresholdRule() })),
    );
    const cut = await makeCutOff(url, writes, (client) => startCounting(client, OWNER, clock));
    undo.push(() => cut.end());
    const { rowCount } = await db.query(`update alarms set state = 'alarm'`);
    expect(rowCount).toBe(2);
  });
});

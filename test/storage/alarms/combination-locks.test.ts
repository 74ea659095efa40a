import { expect, test } from '@jest/globals';

import { createAlarmStore } from '../../../src/storage/alarms/alarm-store.js';
import { lockAndCheckMembers } from '../../../src/storage/alarms/combination-store.js';
import { anEntry, aStoredAlarm } from '../../contract/alarm-store.js';
import { aCombinationRule } from '../../support/builders.js';
import { serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarms, thresholdRule } from '../../support/stored-alarms.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';
import { TEST_SEALER } from '../../support/sealer.js';

describeWithPostgres('the locks of combinations', () => {
  test('a writer in one project does not wait for a writer in another', async () => {
    const db = await serverDatabase();
    const leaves = ['x', 'y', 'q1', 'q2'].map((id) => ({ id, rule: thresholdRule() }));
    await storeAlarms(
      db,
      leaves.map((leaf, at) => ({ ...leaf, projectId: at < 2 ? 'p1' : 'p2' })),
    );
    await db.transaction(async (tx) => {
      await lockAndCheckMembers(tx, { alarmId: 'a', memberIds: ['x', 'y'], projectId: 'p1', ownerProjectId: 'p1' });
      const alarm = aStoredAlarm({ id: 'c', projectId: 'p2', rule: aCombinationRule({ alarm_ids: ['q1', 'q2'] }) });
      await createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }).create({
        alarm,
        memberProject: 'p2',
        entry: anEntry({ eventId: 'e', alarmId: 'c' }),
      });
      const { rows } = await db.query<{ locks: number }>(
        `select count(*) as locks from pg_locks join pg_database d on d.oid = database
          where locktype = 'advisory' and granted and datname = current_database()`,
      );
      expect(rows).toEqual([{ locks: 1 }]);
    });
    const { rows } = await db.query('select member_id from alarm_members order by member_id');
    expect(rows).toEqual([{ member_id: 'q1' }, { member_id: 'q2' }]);
    await db.close();
  });
});

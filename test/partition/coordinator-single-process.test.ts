import { expect, test } from '@jest/globals';

import { createMemberStore } from '../../src/storage/evaluation/member-store.js';
import { createPartitionStore } from '../../src/storage/evaluation/partition-store.js';
import { embeddedDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { Ensemble } from './ensemble.js';

test(
  'the only process of an embedded database takes all partitions at once, ' +
    'although its killed predecessor sent a heartbeat just before',
  async () => {
    const db = await embeddedDatabase();
    const all = Array.from({ length: 256 }, (_, id) => id);
    await createMemberStore(db).beat('predecessor', null);
    await createPartitionStore(db).take({
      memberId: 'predecessor',
      ids: all,
      limit: 256,
      leaseMs: 60_000,
      fromLiveOwners: false,
    });
    const ensemble = new Ensemble(db, 'unused');
    const { coordinator, told } = ensemble.join({ isSingleProcess: true, leaseMs: 60_000, heartbeatMs: 20_000 });
    await eventually(() => expect(told.size).toBe(256));
    expect(coordinator.mode()).toBe('single');
    expect([...coordinator.held().values()].every(({ epoch }) => epoch === 2)).toBe(true);
    await coordinator.leave();
    expect(coordinator.held().size).toBe(0);
    expect(await createPartitionStore(db).ownerCounts()).toEqual([{ owner: null, count: 256 }]);
    await ensemble.close();
    await db.close();
  },
);

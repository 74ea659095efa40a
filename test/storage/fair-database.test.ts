import { expect, test } from '@jest/globals';

import { FairPermits } from '../../src/async/fair-permits.js';
import { fairDatabase } from '../../src/storage/fair-database.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';

describeWithPostgres('on PostgreSQL', () => {
  test('statements of one owner that take for ever leave connections for others', async () => {
    const db = await serverDatabase({ maxConnections: 4 });
    const permits = new FairPermits({ inAll: 3, perOwner: 2 });
    const [greedy, other] = ['greedy', 'other'].map((owner) => fairDatabase(db, permits, () => owner));
    let release!: () => void;
    let isHeld!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const held = new Promise<void>((resolve) => (isHeld = resolve));
    const holder = db.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(1)');
      isHeld();
      await released;
    });
    await held;
    const waiting = Array.from({ length: 5 }, () =>
      greedy!.transaction((tx) => tx.query('select pg_advisory_xact_lock(1)')),
    );
    const { rows } = await other!.query<{ one: number }>('select 1 as one');
    expect(rows).toEqual([{ one: 1 }]);
    release();
    await Promise.all([holder, ...waiting]);
    await db.close();
  });
});

test('on the embedded database, which has one connection, owners take turns', async () => {
  const db = await embeddedDatabase();
  const permits = new FairPermits({ inAll: 1, perOwner: 1 });
  const answered: string[] = [];
  const ask = async (owner: string): Promise<void> => {
    await fairDatabase(db, permits, () => owner).query('select 1');
    answered.push(owner);
  };
  await Promise.all(['greedy', 'greedy', 'greedy', 'greedy', 'other'].map(ask));
  expect(answered).toEqual(['greedy', 'greedy', 'other', 'greedy', 'greedy']);
  await db.close();
});

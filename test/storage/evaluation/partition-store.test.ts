import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { handOver } from '../../../src/partition/hand-over.js';
import type { Database } from '../../../src/storage/database.js';
import { createMemberStore } from '../../../src/storage/evaluation/member-store.js';
import { createPartitionStore } from '../../../src/storage/evaluation/partition-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

const LEASE_MS = 60_000;

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let partitions: ReturnType<typeof createPartitionStore>;
  let members: ReturnType<typeof createMemberStore>;

  beforeAll(async () => {
    db = await open();
    partitions = createPartitionStore(db);
    members = createMemberStore(db);
  });
  beforeEach(async () => {
    await db.query('delete from members');
    await db.query('update partitions set owner = null, epoch = 0, loaded_epoch = null, last_evaluated_at = null');
  });
  afterAll(() => db.close());

  const take = (memberId: string, ids: number[], fromLiveOwners = false): ReturnType<typeof partitions.take> =>
    partitions.take({ memberId, ids, limit: 256, leaseMs: LEASE_MS, fromLiveOwners });
  const ownedBy = async (memberId: string): Promise<{ id: number; epoch: number }[]> =>
    (await partitions.list()).flatMap(({ id, epoch, owner }) => (owner === memberId ? [{ id, epoch }] : []));
  const lapse = (memberId: string): Promise<unknown> =>
    db.query("update members set heartbeat_at = clock_timestamp() - interval '61 seconds' where id = $1", [memberId]);

  test('a partition without owner is taken with a new epoch and the time of its last evaluation', async () => {
    const at = new Date('2026-01-01T00:00:00Z');
    await db.query('update partitions set last_evaluated_at = $1 where id = 2', [at]);
    const taken = await take('a', [1, 2]);
    expect(taken.sort((x, y) => x.id - y.id)).toEqual([
      { id: 1, epoch: 1, lastEvaluatedAt: null },
      { id: 2, epoch: 1, lastEvaluatedAt: at },
    ]);
    expect(await ownedBy('a')).toHaveLength(2);
  });

  test.each([
    { owner: 'beats', prepare: () => members.beat('a', null), taken: false },
    { owner: 'has no row', prepare: () => Promise.resolve(), taken: true },
    {
      owner: 'has been silent for a lease',
      prepare: () => members.beat('a', null).then(() => lapse('a')),
      taken: true,
    },
  ])('a partition whose owner $owner can be taken by another member: $taken', async ({ prepare, taken }) => {
    await take('a', [3]);
    await prepare();
    expect(await take('b', [3])).toEqual(taken ? [{ id: 3, epoch: 2, lastEvaluatedAt: null }] : []);
  });

  test('a process without others takes partitions from any owner', async () => {
    await take('a', [3]);
    await members.beat('a', null);
    expect(await take('b', [3], true)).toEqual([{ id: 3, epoch: 2, lastEvaluatedAt: null }]);
  });

  test('a member takes its own partition again with a new epoch', async () => {
    await members.beat('a', null);
    await take('a', [4]);
    expect(await take('a', [4])).toEqual([{ id: 4, epoch: 2, lastEvaluatedAt: null }]);
  });

  test('of concurrent takes by many members, each partition goes to one', async () => {
    const all = Array.from({ length: 256 }, (_, id) => id);
    const wanting = ['a', 'b', 'c', 'd'];
    await Promise.all(wanting.map((id) => members.beat(id, null)));
    const taken = (await Promise.all(wanting.map((id) => take(id, all)))).flat();
    expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
    expect(taken.every(({ epoch }) => epoch === 1)).toBe(true);
  });

  test('a member takes no more partitions than it wants to load', async () => {
    const taken = await partitions.take({
      memberId: 'a',
      ids: [4, 5, 6, 7],
      limit: 2,
      leaseMs: LEASE_MS,
      fromLiveOwners: false,
    });
    expect(taken.map(({ id }) => id).sort()).toEqual([4, 5]);
  });

  test('a partition is loaded when its owner has said so, until it is taken again', async () => {
    const isLoaded = async (): Promise<boolean | undefined> => (await partitions.list())[8]?.isLoaded;
    await take('a', [8]);
    expect(await isLoaded()).toBe(false);
    expect(await partitions.markLoaded('b', [{ id: 8, epoch: 1 }])).toBe(0);
    expect(await partitions.markLoaded('a', [{ id: 8, epoch: 2 }])).toBe(0);
    expect(await isLoaded()).toBe(false);
    expect(await partitions.markLoaded('a', [{ id: 8, epoch: 1 }])).toBe(1);
    expect(await isLoaded()).toBe(true);
    await take('a', [8]);
    expect(await isLoaded()).toBe(false);
  });

  test.each([
    { release: 'this release', tellsLoaded: true, handedOver: 0 },
    { release: 'an older release, which does not say what it has loaded', tellsLoaded: false, handedOver: 32 },
  ])('a member of $release that owns 32 partitions is given $handedOver', async ({ tellsLoaded, handedOver }) => {
    for (const id of ['a', 'b']) await members.beat(id, null);
    await db.query("update members set tells_loaded = $1 where id = 'b'", [tellsLoaded]);
    const all = Array.from({ length: 256 }, (_, id) => id);
    const held = new Set(all.slice(32));
    await take('a', [...held]);
    await take('b', all.slice(0, 32));
    const owners = all.map((id) => (id < 128 ? 'b' : 'a'));
    const leaving = handOver(await partitions.list(), { owners, memberId: 'a', held, isBusy: () => false });
    expect(leaving).toHaveLength(handedOver);
  });

  test('only the owner can release a partition', async () => {
    await take('a', [5, 6]);
    expect(await partitions.release('b', [5, 6])).toBe(0);
    expect(await partitions.release('a', [6, 7])).toBe(1);
    expect(await ownedBy('a')).toEqual([{ id: 5, epoch: 1 }]);
    expect(await partitions.ownerCounts()).toEqual([
      { owner: 'a', count: 1 },
      { owner: null, count: 255 },
    ]);
  });
}

describe('partition store on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('partition store on PostgreSQL', () =>
  contract(() => serverDatabase({ maxConnections: 5, statementTimeoutMs: 5_000 })),
);

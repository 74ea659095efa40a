import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { silentLogger } from '../../src/logger.js';
import { partitionKeys } from '../../src/partition/keys.js';
import { createRedis } from '../../src/redis.js';
import { createMemberStore } from '../../src/storage/evaluation/member-store.js';
import type { Database } from '../../src/storage/database.js';
import { serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { describeWith, redisUrl, startRedis } from '../support/servers.js';
import { Ensemble, type TestMember } from './ensemble.js';

const LEASE_MS = 1_000;
const MODES = [
  { mode: 'with Redis', url: () => redisUrl() },
  { mode: 'with the database alone', url: () => undefined },
];

describeWith(['postgres', 'redis'], 'coordinators', () => {
  let db: Database;
  let prefix: string;
  let ensemble: Ensemble;

  beforeEach(async () => {
    db = await serverDatabase({ statementTimeoutMs: 5_000 });
    prefix = `test-${randomUUID()}`;
    ensemble = new Ensemble(db, prefix);
  });

  afterEach(async () => {
    await ensemble.close();
    await db.close();
    // Never two owners of one partition with one epoch.
    expect(new Set(ensemble.takings).size).toBe(ensemble.takings.length);
  });

  /** Waits until every partition is held once, and returns the number of takes so far. */
  const allHeld = (): Promise<number> =>
    eventually(() => {
      ensemble.expectSettled();
      return ensemble.takings.length;
    });

  const joinThree = async (url: string | undefined): Promise<[TestMember, TestMember, TestMember]> => {
    const three = [0, 1, 2].map(() => ensemble.join({ redisUrl: url })) as [TestMember, TestMember, TestMember];
    await allHeld();
    return three;
  };

  /** Waits until each member has had heartbeats acknowledged for another `ms`. */
  const beatsOnFor = async (ms: number): Promise<void> => {
    const last = (): number[] => ensemble.members.map(({ lastBeatMs }) => lastBeatMs() ?? 0);
    const before = last();
    await eventually(() => last().forEach((at, index) => expect(at - (before[index] ?? 0)).toBeGreaterThan(ms)));
  };

  test.each(MODES)(
    'share the partitions, hand over when one leaves and take over when one dies, $mode',
    async ({ url }) => {
      const [first, second, third] = await joinThree(url());
      for (const { coordinator } of [first, second, third]) expect(coordinator.held().size).toBeGreaterThan(256 / 4);
      await second.leave();
      ensemble.gone(second);
      await allHeld();
      expect(second.coordinator.held().size).toBe(0);
      await third.crash();
      ensemble.gone(third);
      await allHeld();
      expect(first.coordinator.held().size).toBe(256);
      for (const [id, { epoch }] of third.coordinator.held())
        expect(first.coordinator.held().get(id)?.epoch).toBeGreaterThan(epoch);
    },
  );

  test('see at once who joins and leaves, long before the next heartbeat', async () => {
    const slow = { redisUrl: redisUrl(), leaseMs: 120_000, heartbeatMs: 30_000 };
    const first = ensemble.join(slow);
    await allHeld();
    const second = ensemble.join(slow);
    await allHeld();
    await first.leave();
    ensemble.gone(first);
    await eventually(() => expect(second.coordinator.held().size).toBe(256));
  });

  test('move no partition when Redis is flushed', async () => {
    await joinThree(redisUrl());
    const before = ensemble.takings.length;
    const client = createRedis(redisUrl(), 'subscriber', silentLogger);
    const keys = partitionKeys(prefix);
    await client.del(keys.members, keys.version);
    await eventually(async () => expect(await client.zcard(keys.members)).toBe(3));
    client.disconnect();
    await beatsOnFor(LEASE_MS);
    expect(await allHeld()).toBe(before);
  });

  test('move no partition when Redis is killed, nor when it comes back empty', async () => {
    const redis = await startRedis();
    const three = await joinThree(redis.url);
    const before = ensemble.takings.length;
    process.kill(redis.pid, 'SIGKILL');
    await redis.stop();
    await eventually(() => three.forEach(({ coordinator }) => expect(coordinator.mode()).toBe('database')));
    await beatsOnFor(LEASE_MS);
    expect(await allHeld()).toBe(before);
    const again = await startRedis({ port: redis.port, password: new URL(redis.url).password });
    await eventually(() => three.forEach(({ coordinator }) => expect(coordinator.mode()).toBe('redis')));
    await beatsOnFor(LEASE_MS);
    expect(await allHeld()).toBe(before);
    await again.stop();
  });

  test('move no partition while Redis hangs', async () => {
    const redis = await startRedis();
    await joinThree(redis.url);
    const before = ensemble.takings.length;
    process.kill(redis.pid, 'SIGSTOP');
    await beatsOnFor(2 * LEASE_MS);
    expect(await allHeld()).toBe(before);
    process.kill(redis.pid, 'SIGCONT');
    await redis.stop();
  });

  test('agree if one of them has no Redis, and also when that one leaves', async () => {
    ensemble.join({ redisUrl: redisUrl() });
    ensemble.join({ redisUrl: redisUrl() });
    const blind = ensemble.join();
    const before = await allHeld();
    await beatsOnFor(LEASE_MS);
    expect(await allHeld()).toBe(before);
    await blind.leave();
    ensemble.gone(blind);
    await allHeld();
  });

  test(
    'take partitions of a hanging member, which may not commit ' + 'any more and drops them when it goes on',
    async () => {
      const [stuck, second, third] = await joinThree(redisUrl());
      const had = [...stuck.coordinator.held().keys()];
      stuck.dropped.length = 0;
      stuck.setProgress(false);
      await eventually(() => expect(second.coordinator.held().size + third.coordinator.held().size).toBe(256));
      expect(stuck.coordinator.mayCommit()).toBe(false);
      stuck.setProgress(true);
      await eventually(() => expect(stuck.dropped).toEqual(had));
      await allHeld();
      expect(stuck.coordinator.mayCommit()).toBe(true);
    },
  );

  test('take partitions of a member that reaches Redis, but not the database', async () => {
    let cut = false;
    const store = createMemberStore(db);
    const members = {
      ...store,
      beat: (...args: Parameters<typeof store.beat>) => (cut ? Promise.reject(new Error('cut')) : store.beat(...args)),
    };
    const isolated = ensemble.join({ redisUrl: redisUrl(), members });
    const other = ensemble.join({ redisUrl: redisUrl() });
    await allHeld();
    cut = true;
    await eventually(() => expect(other.coordinator.held().size).toBe(256));
    expect(isolated.coordinator.mayCommit()).toBe(false);
  });

  test('keep their partitions through an outage of the database', async () => {
    let away = false;
    const store = createMemberStore(db);
    const members = {
      ...store,
      beat: (...args: Parameters<typeof store.beat>) =>
        away ? Promise.reject(new Error('away')) : store.beat(...args),
    };
    for (let n = 0; n < 3; n++) ensemble.join({ members });
    const before = await allHeld();
    away = true;
    await eventually(() => ensemble.members.forEach(({ coordinator }) => expect(coordinator.mayCommit()).toBe(false)));
    await db.query("update members set heartbeat_at = heartbeat_at - interval '1 minute'");
    away = false;
    await beatsOnFor(LEASE_MS);
    expect(await allHeld()).toBe(before);
  });

  test('keep a partition until its batch is over', async () => {
    const first = ensemble.join({ redisUrl: redisUrl() });
    await allHeld();
    for (const id of first.coordinator.held().keys()) first.busy.add(id);
    const second = ensemble.join({ redisUrl: redisUrl() });
    await eventually(() => expect(first.coordinator.view()).toHaveLength(2));
    await beatsOnFor(300);
    expect(second.coordinator.held().size).toBe(0);
    first.busy.clear();
    await allHeld();
    expect(second.coordinator.held().size).toBeGreaterThan(100);
  });

  test('skip a partition that another transaction has locked, and take it later', async () => {
    let unlock = (): void => undefined;
    const locked = new Promise<void>((resolve) => (unlock = resolve));
    const lock = db.transaction(async (tx) => {
      await tx.query('select 1 from partitions where id = 7 for share');
      await locked;
    });
    const only = ensemble.join();
    await eventually(() => expect(only.coordinator.held().size).toBe(255));
    unlock();
    await lock;
    await allHeld();
  });
});

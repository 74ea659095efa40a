import { describe, expect, test } from '@jest/globals';

import { PARTITION_COUNT } from '../../src/partition/ring.js';
import { ClusterModel, LEASE_MS, type ModelMember } from './cluster-model.js';

const STEP_MS = 1_000;
/** Time in which members join and go. */
const UNREST_MS = 240_000;
/** How long a settled cluster is watched. */
const REST_MS = 60_000;
const SLOW_DATABASE = 10;

/** Numbers in [0, 1) that depend on the seed alone. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/**
 * Lets members with slow loads join, hang, leave and be killed, and then waits until each partition is loaded. Returns
 * the number of joins, deaths, leaves and hangs.
 */
async function unrest(cluster: ClusterModel, seed: number): Promise<number> {
  const random = randomOf(seed);
  let [events, slowestLoadMs, slowUntilMs] = [0, 0, 0];
  const join = (): void => {
    const loadMs = LEASE_MS * 0.1 * 200 ** random();
    slowestLoadMs = Math.max(slowestLoadMs, loadMs);
    events += 1;
    cluster.join({ loadMs, name: `m${events}` });
  };
  join();
  const nowMs = (): number => cluster.clock.monotonicMs();
  for (let nextMs = 0; nowMs() < UNREST_MS; await cluster.clock.advance(STEP_MS)) {
    cluster.slowness = nowMs() < slowUntilMs ? SLOW_DATABASE : 1;
    if (nowMs() < nextMs) continue;
    nextMs = nowMs() + 5_000 + 35_000 * random();
    const member = cluster.members[Math.floor(random() * cluster.members.length)] as ModelMember;
    const choice = random();
    if (choice < 0.2) slowUntilMs = nowMs() + 60_000;
    else if (choice < 0.5 || cluster.members.length === 1) join();
    else {
      events += 1;
      if (choice < 0.65) void member.leave();
      else if (choice < 0.9) member.kill();
      else hang(cluster, member);
    }
  }
  cluster.slowness = 1;
  const quietMs = nowMs();
  while (cluster.evaluated() < PARTITION_COUNT && nowMs() - quietMs < 4 * slowestLoadMs + 12 * LEASE_MS)
    await cluster.clock.advance(STEP_MS);
  return events;
}

/** It stays a member for a while, but does not count as a living one: others have to take over. */
function hang(cluster: ClusterModel, member: ModelMember): void {
  member.hang();
  cluster.members.splice(cluster.members.indexOf(member), 1);
}

describe('a cluster of slow members', () => {
  test.each(Array.from({ length: 24 }, (_, index) => index + 1))(
    'settles, with few take-overs: each partition has one owner that has loaded it, seed %i',
    async (seed) => {
      const cluster = new ClusterModel();
      const events = await unrest(cluster, seed);
      expect(cluster.evaluated()).toBe(PARTITION_COUNT);
      // Once loaded everywhere, partitions move on until each member has its share.
      await cluster.clock.advance(REST_MS);
      expect(cluster.takes).toBeLessThanOrEqual(PARTITION_COUNT * (events + 1));
      for (const member of cluster.members) expect(member.coordinator.mayCommit()).toBe(true);
    },
  );
});

/** Two members of which each needs `loadMs` for all partitions; the second joins when the first has begun to load. */
async function two(rule: 'pieces' | 'batch age', loadMs: number): Promise<ClusterModel> {
  const cluster = new ClusterModel();
  for (const name of ['first', 'second']) {
    cluster.join({ loadMs, name, rule });
    await cluster.clock.advance(LEASE_MS);
  }
  await cluster.clock.advance(4 * loadMs);
  return cluster;
}

test('two members that load for longer than their lease share the partitions, and none is taken twice', async () => {
  const cluster = await two('pieces', 20 * LEASE_MS);
  expect(cluster.evaluated()).toBe(PARTITION_COUNT);
  expect(cluster.takes).toBeLessThan(2 * PARTITION_COUNT);
  for (const { coordinator } of cluster.members) expect(coordinator.held().size).toBeGreaterThan(PARTITION_COUNT / 3);
});

test('the model finds swaps if members take all at once and heartbeats depend on the age of a batch', async () => {
  const cluster = await two('batch age', 20 * LEASE_MS);
  expect(cluster.takes).toBeGreaterThan(4 * PARTITION_COUNT);
});

test('a member that joins and hardly loads gets one portion; the others go on with the rest', async () => {
  const cluster = new ClusterModel();
  cluster.join({ loadMs: LEASE_MS, name: 'able' });
  await cluster.clock.advance(4 * LEASE_MS);
  expect(cluster.evaluated()).toBe(PARTITION_COUNT);
  cluster.join({ loadMs: 2_000 * LEASE_MS, name: 'unable' });
  await cluster.clock.advance(6 * LEASE_MS);
  expect(cluster.evaluated()).toBeGreaterThanOrEqual(PARTITION_COUNT - 33);
});

import { describe, expect, test } from '@jest/globals';

import { createSystemClock, type ServiceClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { createMembership, type Membership } from '../../src/partition/membership.js';
import type { RedisMembers } from '../../src/partition/redis-members.js';
import type { MemberBeat } from '../../src/partition/sightings.js';

const LEASE_MS = 1_000;
const HEARTBEAT_MS = 100;

/** Two stores and a clock that the test controls. */
class Stage {
  nowMs = 0;
  beats = new Map<string, number>();
  database: 'up' | 'down' = 'up';
  redis: Map<string, number> | 'down' | undefined;
  readonly synchronised: [Date, number][] = [];
  readonly clock: ServiceClock = {
    ...createSystemClock(),
    monotonicMs: () => this.nowMs,
    synchronise: (databaseNow, at) => void this.synchronised.push([databaseNow, at]),
  };

  membership(overrides: { isSingleProcess?: boolean } = {}): Membership {
    const guarded = async <T>(work: () => T): Promise<T> => {
      if (this.database === 'down') throw new Error('no database');
      return work();
    };
    return createMembership({
      memberId: 'me',
      store: {
        beat: (id) =>
          guarded(() => {
            this.beats.set(id, this.nowMs);
            return new Date(this.nowMs);
          }),
        list: () => guarded(() => this.#listed(this.beats)),
        remove: (id) => guarded(() => void this.beats.delete(id)),
        removeOlderThan: () => Promise.resolve(),
      },
      redis: this.redis === undefined ? undefined : this.#redisMembers(),
      leaseMs: LEASE_MS,
      heartbeatMs: HEARTBEAT_MS,
      isSingleProcess: overrides.isSingleProcess ?? false,
      seenRevision: () => null,
      clock: this.clock,
      log: silentLogger,
    });
  }

  /**
   * Lets time pass in steps of a heartbeat. The other members in `beating` send heartbeats to the database meanwhile.
   */
  async pass(ms: number, membership: Membership, beating: readonly string[] = []): Promise<void> {
    for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
      this.nowMs += HEARTBEAT_MS;
      for (const id of beating) this.beats.set(id, this.nowMs);
      await membership.beat().catch(() => undefined);
    }
  }

  #redisMembers(): RedisMembers {
    return {
      beat: () => Promise.resolve(this.redis instanceof Map ? this.#listed(this.redis) : undefined),
      leave: () => Promise.resolve(),
      announce: () => Promise.resolve(),
      watch: () => undefined,
    };
  }

  #listed(beats: ReadonlyMap<string, number>): MemberBeat[] {
    return [...beats].map(([id, beatAt]) => ({ id, beatAt, ageMs: this.nowMs - beatAt }));
  }
}

describe('the view of the members', () => {
  test('contains members with heartbeats in the database, and drops those silent for a lease', async () => {
    const stage = new Stage();
    const membership = stage.membership();
    stage.beats.set('other', 0);
    await stage.pass(LEASE_MS - HEARTBEAT_MS, membership);
    expect(membership.view()).toEqual(['me', 'other']);
    await stage.pass(HEARTBEAT_MS, membership);
    expect(membership.view()).toEqual(['me']);
  });

  test('does not contain a member with an old row', async () => {
    const stage = new Stage();
    stage.nowMs = 60_000;
    stage.beats.set('dead', 0);
    const membership = stage.membership();
    await membership.beat();
    expect(membership.view()).toEqual(['me']);
  });

  test.each([
    { when: 'it left both stores', inDatabase: false, redis: new Map<string, number>(), view: ['me'] },
    { when: 'Redis lost it', inDatabase: true, redis: new Map<string, number>(), view: ['me', 'other'] },
    { when: 'only Redis has it', inDatabase: false, redis: new Map([['other', 300]]), view: ['me', 'other'] },
    { when: 'it left and Redis is unavailable', inDatabase: false, redis: 'down' as const, view: ['me'] },
    { when: 'Redis is unavailable', inDatabase: true, redis: 'down' as const, view: ['me', 'other'] },
  ])('is right about another member when $when', async ({ inDatabase, redis, view }) => {
    const stage = new Stage();
    stage.redis = new Map([['other', 200]]);
    stage.beats.set('other', 200);
    stage.nowMs = 200;
    const membership = stage.membership();
    await membership.beat();
    expect(membership.view()).toEqual(['me', 'other']);
    stage.nowMs = 300;
    stage.redis = redis;
    if (!inDatabase) stage.beats.delete('other');
    await membership.beat();
    expect(membership.view()).toEqual(view);
  });

  test('keeps the other members after an outage of the database that silenced them all', async () => {
    const stage = new Stage();
    const membership = stage.membership();
    await stage.pass(500, membership, ['other']);
    stage.database = 'down';
    await stage.pass(20 * LEASE_MS, membership);
    stage.database = 'up';
    await stage.pass(300, membership);
    expect(membership.view()).toEqual(['me', 'other']);
    await stage.pass(LEASE_MS, membership);
    expect(membership.view()).toEqual(['me']);
  });

  test('of a single process ignores rows that dead processes left', async () => {
    const stage = new Stage();
    stage.beats.set('killed a moment ago', 0);
    const membership = stage.membership({ isSingleProcess: true });
    await membership.beat();
    expect(membership.view()).toEqual(['me']);
    expect(membership.mode()).toBe('single');
  });
});

describe('a lease', () => {
  test('permits no commit before the first heartbeat, nor when the last one is almost a lease ago', async () => {
    const stage = new Stage();
    const membership = stage.membership();
    expect(membership.mayCommit()).toBe(false);
    await membership.beat();
    expect(membership.mayCommit()).toBe(true);
    stage.nowMs += LEASE_MS * 0.8;
    expect(membership.mayCommit()).toBe(false);
  });

  test('is not renewed by a heartbeat in Redis', async () => {
    const stage = new Stage();
    stage.redis = new Map();
    const membership = stage.membership();
    await membership.beat();
    stage.database = 'down';
    await stage.pass(LEASE_MS, membership);
    expect(membership.mayCommit()).toBe(false);
  });

  test('ends when the member leaves', async () => {
    const stage = new Stage();
    const membership = stage.membership();
    await membership.beat();
    await membership.leave();
    expect(membership.mayCommit()).toBe(false);
    expect([...stage.beats]).toEqual([]);
  });
});

test('a heartbeat synchronises the service clock with the database', async () => {
  const stage = new Stage();
  stage.nowMs = 5_000;
  await stage.membership().beat();
  expect(stage.synchronised).toEqual([[new Date(5_000), 5_000]]);
});

import { expect } from '@jest/globals';

import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { createCoordinator, type Coordinator, type CoordinatorDeps } from '../../src/partition/coordinator.js';
import type { TakenPartition } from '../../src/partition/ownership.js';
import { buildRing, shareOf } from '../../src/partition/ring.js';
import { createRedis, type Redis } from '../../src/redis.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { createMemberStore } from '../../src/storage/evaluation/member-store.js';
import { createPartitionStore } from '../../src/storage/evaluation/partition-store.js';
import { createTelemetry } from '../../src/telemetry.js';

export type Overrides = Partial<
  Pick<CoordinatorDeps, 'leaseMs' | 'heartbeatMs' | 'isSingleProcess' | 'members' | 'partitions'>
> & {
  redisUrl?: string | undefined;
};

/** A coordinator as in an evaluator, and the calls to its listener. */
export interface TestMember {
  coordinator: Coordinator;
  /** Partitions that a batch evaluates. */
  busy: Set<number>;
  /** The held partitions according to the listener: partition → epoch. */
  told: Map<number, number>;
  dropped: number[];
  /** Monotonic time of the last heartbeat that the database has acknowledged; undefined before the first. */
  lastBeatMs(): number | undefined;
  setProgress(making: boolean): void;
  /** Ends like a killed process: without leaving. */
  crash(): Promise<void>;
  leave(): Promise<void>;
}

/** Several coordinators on one database, in one process, and checks of what must never happen. */
export class Ensemble {
  /** Every take, as `partition@epoch`. Two equal ones would be two owners that may both commit. */
  readonly takings: string[] = [];
  readonly members: TestMember[] = [];
  readonly #resources = new ReleaseStack();

  constructor(
    readonly db: Database,
    private readonly prefix: string,
  ) {}

  join(overrides: Overrides = {}): TestMember {
    const member = this.#create(overrides);
    this.members.push(member);
    return member;
  }

  /** Removes a member that has left or crashed. */
  gone(member: TestMember): void {
    this.members.splice(this.members.indexOf(member), 1);
  }

  /**
   * Throws unless all members see all members, each holds exactly the partitions that the ring gives it, and the
   * listeners agree.
   */
  expectSettled(): void {
    const ids = this.members.map(({ coordinator }) => coordinator.memberId).sort();
    const ring = buildRing(ids);
    for (const { coordinator, told } of this.members) {
      expect(coordinator.view()).toEqual(ids);
      expect([...coordinator.held().keys()].sort((a, b) => a - b)).toEqual(shareOf(ring, coordinator.memberId));
      const held = [...coordinator.held()].map(([id, { epoch }]) => [id, epoch] as const);
      expect(new Map(held)).toEqual(told);
    }
  }

  async close(): Promise<void> {
    for (const member of this.members.splice(0)) await member.crash();
    await this.#resources.release();
  }

  #create({ redisUrl, ...overrides }: Overrides): TestMember {
    const abort = new AbortController();
    const told = new Map<number, number>();
    const dropped: number[] = [];
    const busy = new Set<number>();
    const members = overrides.members ?? createMemberStore(this.db);
    let lastBeatMs: number | undefined;
    let progress = true;
    const coordinator = createCoordinator({
      partitions: createPartitionStore(this.db),
      redis:
        redisUrl === undefined
          ? undefined
          : { command: this.#redis(redisUrl, 'command'), subscriber: this.#redis(redisUrl, 'subscriber') },
      prefix: this.prefix,
      leaseMs: 1_000,
      heartbeatMs: 100,
      clock: createSystemClock(),
      log: silentLogger,
      telemetry: createTelemetry(),
      listener: {
        taken: (partitions) => this.#taken(partitions, told),
        dropped: (ids) => {
          dropped.push(...ids);
          ids.forEach((id) => told.delete(id));
        },
        isBusy: (id) => busy.has(id),
        isLoaded: () => true,
      },
      makingProgress: () => progress,
      seenRevision: () => null,
      ...overrides,
      members: {
        ...members,
        async beat(...args) {
          const at = await members.beat(...args);
          lastBeatMs = performance.now();
          return at;
        },
      },
    });
    const running = coordinator.loop.run(abort.signal);
    const crash = async (): Promise<void> => {
      abort.abort();
      await running;
    };
    return {
      coordinator,
      busy,
      told,
      dropped,
      lastBeatMs: () => lastBeatMs,
      setProgress: (making) => void (progress = making),
      crash,
      async leave() {
        await crash();
        await coordinator.leave();
      },
    };
  }

  #taken(partitions: readonly TakenPartition[], told: Map<number, number>): void {
    for (const { id, epoch } of partitions) {
      this.takings.push(`${id}@${epoch}`);
      told.set(id, epoch);
    }
  }

  #redis(url: string, purpose: 'command' | 'subscriber'): Redis {
    const client = createRedis(url, purpose, silentLogger);
    this.#resources.push(purpose, () => client.disconnect());
    return client;
  }
}

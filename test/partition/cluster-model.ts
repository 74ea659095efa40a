import { silentLogger } from '../../src/logger.js';
import { createCoordinator, type Coordinator } from '../../src/partition/coordinator.js';
import type { MemberStore } from '../../src/partition/membership.js';
import type { OwnedPartition } from '../../src/partition/hand-over.js';
import type { PartitionStore } from '../../src/partition/ownership.js';
import { PARTITION_COUNT } from '../../src/partition/ring.js';
import { createTelemetry } from '../../src/telemetry.js';
import { FakeClock } from '../support/fake-clock.js';

export const LEASE_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/** Time for one statement of the coordination. */
const STATEMENT_MS = 40;
/** As in the evaluation loop: work that has not got further for this long is stuck. */
const STUCK_AFTER_MS = 25_000;
/** Pieces per partition. */
const PIECES = 4;
/** Partitions of one statement, when alarms were loaded by whole partitions. */
const FORMER_STATEMENT = 32;

/**
 * `pieces`: as the evaluator does. `batch age`: as it did before. It took all of its partitions at once, and its
 * heartbeats stopped when the batch that loads their alarms was old.
 */
export type LoadRule = 'pieces' | 'batch age';

export interface ModelMember {
  readonly coordinator: Coordinator;
  /** The partitions whose alarms are in memory, with their epochs. */
  readonly loaded: Map<number, number>;
  /** Its loads do not end from now on. */
  hang(): void;
  /** Ends like a killed process: without leaving. */
  kill(): void;
  leave(): Promise<void>;
}

interface ModelPartition {
  id: number;
  epoch: number;
  owner: string | null;
  loadedEpoch: number | null;
}

/** Coordinators as in evaluators, on stores in memory, with a clock and a slowness that the test controls. */
export class ClusterModel {
  readonly clock = new FakeClock();
  readonly members: ModelMember[] = [];
  /** Factor of all durations. */
  slowness = 1;
  takes = 0;
  readonly partitions: ModelPartition[] = Array.from({ length: PARTITION_COUNT }, (_, id) => ({
    id,
    epoch: 0,
    owner: null,
    loadedEpoch: null,
  }));
  readonly #beats = new Map<string, number>();

  /** `loadMs`: how long the member needs to load the alarms of all partitions. */
  join({ loadMs, rule = 'pieces', name }: { loadMs: number; rule?: LoadRule; name: string }): ModelMember {
    const work = new ModelLoad(this, loadMs / PARTITION_COUNT, rule, () => coordinator.wake());
    const ended = new AbortController();
    const coordinator = createCoordinator({
      members: this.#memberStore(ended.signal),
      partitions: this.#partitionStore(ended.signal, rule),
      redis: undefined,
      prefix: 'model',
      leaseMs: LEASE_MS,
      heartbeatMs: HEARTBEAT_MS,
      name,
      clock: this.clock,
      log: silentLogger,
      telemetry: createTelemetry(),
      listener: {
        taken: (taken) => work.take(taken),
        dropped: (ids) => work.drop(ids),
        isBusy: () => false,
        isLoaded: (id) => rule === 'batch age' || work.loaded.has(id),
      },
      makingProgress: () => work.makingProgress(),
      seenRevision: () => null,
    });
    const running = coordinator.loop.run(ended.signal);
    const kill = (): void => {
      ended.abort();
      work.end();
      this.members.splice(this.members.indexOf(member), 1);
    };
    const member: ModelMember = {
      coordinator,
      loaded: work.loaded,
      hang: () => work.hang(),
      kill,
      leave: async () => {
        work.end();
        this.members.splice(this.members.indexOf(member), 1);
        await coordinator.leave();
        ended.abort();
        await running;
      },
    };
    this.members.push(member);
    return member;
  }

  /** The partitions that a living member owns and has loaded. */
  evaluated(): number {
    const byId = new Map(this.members.map((member) => [member.coordinator.memberId, member]));
    return this.partitions.filter(({ id, epoch, owner }) => byId.get(owner ?? '')?.loaded.get(id) === epoch).length;
  }

  pause(ms: number): Promise<void> {
    return this.clock.sleep(ms * this.slowness);
  }

  /** A statement of a process that is gone has no effect. */
  async #statement<T>(signal: AbortSignal, work: () => T): Promise<T> {
    await this.pause(STATEMENT_MS);
    if (signal.aborted) throw new Error('the process has ended');
    return work();
  }

  #memberStore(signal: AbortSignal): MemberStore {
    const nowMs = (): number => this.clock.monotonicMs();
    return {
      beat: (id) =>
        this.#statement(signal, () => {
          this.#beats.set(id, nowMs());
          return this.clock.now();
        }),
      list: () =>
        this.#statement(signal, () =>
          [...this.#beats].map(([id, beatAt]) => ({ id, beatAt, ageMs: nowMs() - beatAt })),
        ),
      remove: (id) => this.#statement(signal, () => void this.#beats.delete(id)),
      removeOlderThan: () => Promise.resolve(),
    };
  }

  #partitionStore(signal: AbortSignal, rule: LoadRule): PartitionStore {
    const isAlive = (id: string): boolean => this.clock.monotonicMs() - (this.#beats.get(id) ?? -Infinity) < LEASE_MS;
    return {
      list: () =>
        this.#statement(signal, () =>
          this.partitions.map(({ id, epoch, owner, loadedEpoch }): OwnedPartition => {
            return { id, epoch, owner, isLoaded: loadedEpoch === epoch };
          }),
        ),
      markLoaded: (memberId, partitions) =>
        this.#statement(signal, () => {
          let marked = 0;
          for (const { id, epoch } of partitions) {
            const one = this.partitions[id] as ModelPartition;
            if (one.owner !== memberId || one.epoch !== epoch) continue;
            one.loadedEpoch = epoch;
            marked += 1;
          }
          return marked;
        }),
      take: ({ memberId, ids, limit }) =>
        this.#statement(signal, () => {
          const free = ids
            .map((id) => this.partitions[id] as ModelPartition)
            .filter(({ owner }) => owner === null || owner === memberId || !isAlive(owner))
            .slice(0, rule === 'pieces' ? limit : Infinity);
          for (const one of free) Object.assign(one, { owner: memberId, epoch: one.epoch + 1 });
          this.takes += free.length;
          return free.map(({ id, epoch }) => ({ id, epoch, lastEvaluatedAt: null }));
        }),
      release: (memberId, ids) =>
        this.#statement(signal, () => {
          const owned = ids
            .map((id) => this.partitions[id] as ModelPartition)
            .filter(({ owner }) => owner === memberId);
          for (const one of owned) one.owner = null;
          return owned.length;
        }),
    };
  }
}

/** The loads of one member. */
class ModelLoad {
  readonly loaded = new Map<number, number>();
  readonly #held = new Map<number, number>();
  #isLoading = false;
  #hasEnded = false;
  #hangs = false;
  /** When the load last got further, or when it began. */
  #lastMs = 0;

  constructor(
    private readonly cluster: ClusterModel,
    private readonly partitionMs: number,
    private readonly rule: LoadRule,
    private readonly onLoaded: () => void,
  ) {}

  take(partitions: readonly { id: number; epoch: number }[]): void {
    for (const { id, epoch } of partitions) this.#held.set(id, epoch);
    if (!this.#isLoading) void this.#run();
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) for (const map of [this.#held, this.loaded]) map.delete(id);
  }

  hang(): void {
    this.#hangs = true;
    this.#note();
  }

  end(): void {
    this.#hasEnded = true;
  }

  makingProgress(): boolean {
    return !(this.#isLoading || this.#hangs) || this.cluster.clock.monotonicMs() - this.#lastMs < STUCK_AFTER_MS;
  }

  #waiting(): [number, number][] {
    return [...this.#held].filter(([id, epoch]) => this.loaded.get(id) !== epoch);
  }

  async #run(): Promise<void> {
    this.#isLoading = true;
    this.#note();
    while (!this.#hasEnded && this.#waiting().length > 0) {
      if (this.rule === 'pieces') await this.#loadOne();
      else await this.#loadAll();
    }
    this.#isLoading = false;
    if (!this.#hasEnded) this.onLoaded();
  }

  async #loadOne(): Promise<void> {
    const [id, epoch] = this.#waiting()[0] as [number, number];
    for (let piece = 0; piece < PIECES; piece += 1) {
      await this.#piece(this.partitionMs / PIECES);
      this.#note();
    }
    this.#keep(id, epoch);
  }

  /** One batch. Its age is what counts. */
  async #loadAll(): Promise<void> {
    this.#note();
    const all = this.#waiting();
    for (let start = 0; start < all.length; start += FORMER_STATEMENT) {
      const some = all.slice(start, start + FORMER_STATEMENT);
      await this.#piece(this.partitionMs * some.length);
      for (const [id, epoch] of some) this.#keep(id, epoch);
    }
  }

  async #piece(ms: number): Promise<void> {
    if (this.#hangs) await new Promise(() => undefined);
    await this.cluster.pause(ms);
  }

  #keep(id: number, epoch: number): void {
    if (this.#held.get(id) === epoch) this.loaded.set(id, epoch);
  }

  #note(): void {
    this.#lastMs = this.cluster.clock.monotonicMs();
  }
}

import type { Logger } from '../logger.js';
import { buildRing, shareOf } from './ring.js';

/** A partition at the moment when it was taken. */
export interface TakenPartition {
  id: number;
  /** Rises with each change of owner. Every commit of an evaluation checks it. */
  epoch: number;
  /** The last evaluation by the former owner; null if there was none. */
  lastEvaluatedAt: Date | null;
}

/** Which partitions to take. */
export interface TakeRequest {
  memberId: string;
  ids: readonly number[];
  leaseMs: number;
  /**
   * Also takes partitions of members whose lease has not ended. Only for the process that alone can use the database.
   */
  fromLiveOwners: boolean;
}

/** The partitions in the database, which decides who owns them. */
export interface PartitionStore {
  /** The partitions that this member owns. */
  ownedBy(memberId: string): Promise<{ id: number; epoch: number }[]>;
  /**
   * Takes, in one statement, partitions without an owner or whose owner has sent no heartbeat for a lease, by the
   * server's clock.
   */
  take(request: TakeRequest): Promise<TakenPartition[]>;
  /** Releases those of these partitions that this member owns. Returns how many it released. */
  release(memberId: string, ids: readonly number[]): Promise<number>;
}

/** The worker on the partitions. It is called between heartbeats; its methods must return at once and not throw. */
export interface OwnershipListener {
  /** These partitions belong to this member, committed: load them. */
  taken(partitions: readonly TakenPartition[]): void;
  /** These partitions are lost or about to be released: drop them and the batches that evaluate them. */
  dropped(ids: readonly number[]): void;
  /** True while a batch evaluates the partition. It is not released then. */
  isBusy(id: number): boolean;
}

/** Dependencies of the ownership. */
export interface OwnershipDeps {
  memberId: string;
  store: PartitionStore;
  leaseMs: number;
  isSingleProcess: boolean;
  listener: OwnershipListener;
  log: Logger;
}

/**
 * Adjusts the partitions of this member to the ring. It never takes a partition from a member whose heartbeat in the
 * database is alive; a live member releases its partitions itself. So two different views of the ring cannot take a
 * partition from each other again and again.
 */
export interface Ownership {
  /** The partitions of this member, with their epochs. */
  held(): ReadonlyMap<number, { epoch: number }>;
  /**
   * One step. `releasedSome` is true if other members can take partitions now. Rejects if the database is unavailable;
   * the next call goes on from there.
   */
  reconcile(view: readonly string[]): Promise<{ releasedSome: boolean }>;
  /** Releases all partitions. */
  releaseAll(): Promise<void>;
}

/** Creates the ownership; it starts without partitions. */
export function createOwnership(deps: OwnershipDeps): Ownership {
  const { memberId, store, listener, log } = deps;
  const held = new Map<number, { epoch: number }>();
  let share = { of: '', ids: new Set<number>() };

  /** The view changes rarely and is used at every heartbeat, so the share is cached. */
  function shareIn(view: readonly string[]): ReadonlySet<number> {
    const of = view.join('\n');
    if (share.of !== of) share = { of, ids: new Set(shareOf(buildRing(view), memberId)) };
    return share.ids;
  }

  /** Drops partitions that this member has lost according to the database. Returns the epochs of those that it owns. */
  async function dropLost(): Promise<Map<number, number>> {
    const ours = new Map((await store.ownedBy(memberId)).map(({ id, epoch }) => [id, epoch]));
    const lost = [...held].filter(([id, { epoch }]) => ours.get(id) !== epoch).map(([id]) => id);
    for (const id of lost) held.delete(id);
    if (lost.length > 0) {
      log.warn('partitions lost to others', { count: lost.length });
      listener.dropped(lost);
    }
    return ours;
  }

  /**
   * Also releases rows that this member owns without working on them: the answer to an earlier release or take was
   * lost.
   */
  async function release(ids: readonly number[]): Promise<number> {
    const leaving = ids.filter((id) => !listener.isBusy(id));
    if (leaving.length === 0) return 0;
    const dropped = leaving.filter((id) => held.delete(id));
    // Before the row is written: then no member works on a partition that another may own.
    if (dropped.length > 0) listener.dropped(dropped);
    return store.release(memberId, leaving);
  }

  async function take(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const taken = await store.take({ memberId, ids, leaseMs: deps.leaseMs, fromLiveOwners: deps.isSingleProcess });
    if (taken.length === 0) return;
    for (const { id, epoch } of taken) held.set(id, { epoch });
    log.info('partitions taken', { count: taken.length, held: held.size });
    listener.taken(taken);
  }

  return {
    held: () => held,
    async reconcile(view) {
      const share = shareIn(view);
      const ours = await dropLost();
      const released = await release([...ours.keys()].filter((id) => !share.has(id)));
      if (released > 0) log.info('partitions released', { count: released, held: held.size });
      await take([...share].filter((id) => !held.has(id)));
      return { releasedSome: released > 0 };
    },
    async releaseAll() {
      const ids = [...held.keys()];
      held.clear();
      listener.dropped(ids);
      await store.release(memberId, ids);
    },
  };
}

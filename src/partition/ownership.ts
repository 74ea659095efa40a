import type { Logger } from '../logger.js';
import { buildRing, shareOf } from './ring.js';

/** A partition as it was when it was taken. */
export interface TakenPartition {
  id: number;
  /** Every commit of an evaluation checks it: it rises with each change of hands. */
  epoch: number;
  lastEvaluatedAt: Date | null;
}

export interface TakeRequest {
  memberId: string;
  ids: readonly number[];
  leaseMs: number;
  /** Also from an owner that seems to live. Only for a process that knows itself alone. */
  fromLiveOwners: boolean;
}

/** The partitions as the database has them: the last word on who may. */
export interface PartitionStore {
  ownedBy(memberId: string): Promise<{ id: number; epoch: number }[]>;
  /**
   * Takes, in one statement, those that nobody holds or whose owner has not beaten for a lease by the server's clock.
   */
  take(request: TakeRequest): Promise<TakenPartition[]>;
  /** Gives back those that are this member's; of others' it touches none. Returns how many it gave back. */
  release(memberId: string, ids: readonly number[]): Promise<number>;
}

/** Whoever works on the partitions. Called between heartbeats; must return at once and not throw. */
export interface OwnershipListener {
  /** These are ours from now on, committed: load them. */
  taken(partitions: TakenPartition[]): void;
  /** These were given back: drop them. */
  released(ids: number[]): void;
  /** Somebody else has these, or may have: drop them and what is in hand for them. */
  lost(ids: number[]): void;
  /**
   * While this is true the partition is not given back. Waking the coordinator when it turns false speeds the hand-over
   * up.
   */
  isInHand(id: number): boolean;
}

export interface OwnershipDeps {
  memberId: string;
  store: PartitionStore;
  leaseMs: number;
  isSingleProcess: boolean;
  listener: OwnershipListener;
  log: Logger;
}

/**
 * Brings what this member holds in line with the ring, one careful step at a time. It never takes from a member whose
 * heartbeat in the database is alive, so two views of the ring cannot steal from each other for ever: what a live
 * member holds, it gives back itself.
 */
export interface Ownership {
  held(): ReadonlyMap<number, { epoch: number }>;
  /**
   * Returns whether others have something to gain by looking at once. Rejects if the database cannot be asked; the next
   * call goes on.
   */
  reconcile(view: readonly string[]): Promise<{ releasedSome: boolean }>;
  /** Gives everything back. */
  releaseAll(): Promise<void>;
}

export function createOwnership(deps: OwnershipDeps): Ownership {
  const { memberId, store, listener, log } = deps;
  const held = new Map<number, { epoch: number }>();
  let share = { of: '', ids: new Set<number>() };

  /** Views change rarely and are asked about at every heartbeat. */
  function shareIn(view: readonly string[]): ReadonlySet<number> {
    const of = view.join('\n');
    if (share.of !== of) share = { of, ids: new Set(shareOf(buildRing(view), memberId)) };
    return share.ids;
  }

  /** Drops what is no longer ours by the database, and returns what is ours there. */
  async function dropLost(): Promise<Map<number, number>> {
    const ours = new Map((await store.ownedBy(memberId)).map(({ id, epoch }) => [id, epoch]));
    const lost = [...held].filter(([id, { epoch }]) => ours.get(id) !== epoch).map(([id]) => id);
    for (const id of lost) held.delete(id);
    if (lost.length > 0) {
      log.warn('partitions lost to others', { count: lost.length });
      listener.lost(lost);
    }
    return ours;
  }

  /** Also gives back rows that are ours without our working on them: of a release or a take whose answer was lost. */
  async function release(ids: readonly number[]): Promise<number> {
    const leaving = ids.filter((id) => !listener.isInHand(id));
    if (leaving.length === 0) return 0;
    const dropped = leaving.filter((id) => held.delete(id));
    // Before the row says so: nobody works on what another may already have
    if (dropped.length > 0) listener.released(dropped);
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
      listener.released(ids);
      await store.release(memberId, ids);
    },
  };
}

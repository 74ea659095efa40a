import type { Logger } from '../logger.js';
import { buildRing, type Ring } from './ring.js';
import { handOver, TAKEN_AT_ONCE, type OwnedPartition } from './hand-over.js';

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
  /** Most partitions to take. */
  limit: number;
  leaseMs: number;
  /**
   * Also takes partitions of members whose lease has not ended. Only for the process that alone can use the database.
   */
  fromLiveOwners: boolean;
}

/** The partitions in the database, which decides who owns them. */
export interface PartitionStore {
  /** All partitions, in the order of their ids. */
  list(): Promise<OwnedPartition[]>;
  /**
   * Says that the alarms of these partitions are in the memory of their owner. Returns the number of partitions for
   * which it is stored; for others it has to be said again.
   */
  markLoaded(memberId: string, partitions: readonly { id: number; epoch: number }[]): Promise<number>;
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
  /** True if all alarms of the partition are in memory. */
  isLoaded(id: number): boolean;
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
 * partition from each other again and again. It takes partitions in portions, the next one when the last one is loaded,
 * and releases to another member only as many as that one can load at once. So a member that is slow to load keeps few
 * partitions from being evaluated, and the others go on with theirs.
 */
export interface Ownership {
  /** The partitions of this member, with their epochs. */
  held(): ReadonlyMap<number, { epoch: number }>;
  /**
   * One step. `isNews` is true if other members can take or release partitions now, and `hasTaken` if this one has
   * taken some. Rejects if the database is unavailable; the next call goes on from there.
   */
  reconcile(view: readonly string[]): Promise<{ isNews: boolean; hasTaken: boolean }>;
  /** Releases all partitions. */
  releaseAll(): Promise<void>;
}

/** Creates the ownership; it starts without partitions. */
export function createOwnership(deps: OwnershipDeps): Ownership {
  const { memberId, store, listener, log } = deps;
  const held = new Map<number, { epoch: number }>();
  let ring: { of: string; owners: Ring } = { of: '', owners: [] };
  const takenLog = new TakenLog(log);

  /** The view changes rarely and is used at every heartbeat, so the ring is cached. */
  function ringOf(view: readonly string[]): Ring {
    const of = view.join('\n');
    return (ring = ring.of === of ? ring : { of, owners: buildRing(view) }).owners;
  }

  /** Drops partitions that this member has lost according to the database. */
  function dropLost(all: readonly OwnedPartition[]): void {
    const owned = all.filter(({ owner }) => owner === memberId);
    const ours = new Map(owned.map(({ id, epoch }) => [id, epoch]));
    const lost = [...held].filter(([id, { epoch }]) => ours.get(id) !== epoch).map(([id]) => id);
    for (const id of lost) held.delete(id);
    if (lost.length === 0) return;
    log.warn('partitions lost to others', { count: lost.length });
    listener.dropped(lost);
  }

  /** Tells the other members which partitions are loaded, so that they release further ones to this member. */
  async function markLoaded(all: readonly OwnedPartition[]): Promise<number> {
    const loaded = all.filter((one) => held.has(one.id) && !one.isLoaded && listener.isLoaded(one.id));
    return loaded.length === 0 ? 0 : store.markLoaded(memberId, loaded);
  }

  /** `ids`: owned partitions that the ring gives to others and that these can take now. */
  async function release(ids: readonly number[]): Promise<number> {
    if (ids.length === 0) return 0;
    const dropped = ids.filter((id) => held.delete(id));
    // Before the row is written: then no member works on a partition that another may own.
    if (dropped.length > 0) listener.dropped(dropped);
    const released = await store.release(memberId, ids);
    if (released > 0) log.info('partitions released', { count: released, held: held.size });
    return released;
  }

  async function take(ids: readonly number[]): Promise<number> {
    const limit = TAKEN_AT_ONCE - [...held.keys()].filter((id) => !listener.isLoaded(id)).length;
    if (ids.length === 0 || limit <= 0) return 0;
    const { leaseMs, isSingleProcess: fromLiveOwners } = deps;
    const taken = await store.take({ memberId, ids, limit, leaseMs, fromLiveOwners });
    if (taken.length === 0) return 0;
    for (const { id, epoch } of taken) held.set(id, { epoch });
    takenLog.note(taken.length, { missing: ids.length, held: held.size });
    listener.taken(taken);
    return taken.length;
  }

  return {
    held: () => held,
    async reconcile(view) {
      const owners = ringOf(view);
      const all = await store.list();
      dropLost(all);
      const marked = await markLoaded(all);
      const released = await release(handOver(all, { owners, memberId, held, isBusy: (id) => listener.isBusy(id) }));
      const missing = all.flatMap(({ id }) => (owners[id] === memberId && !held.has(id) ? [id] : []));
      return { hasTaken: (await take(missing)) > 0, isNews: released + marked > 0 };
    },
    async releaseAll() {
      const ids = [...held.keys()];
      held.clear();
      listener.dropped(ids);
      await store.release(memberId, ids);
    },
  };
}

/** Writes one line for all portions of a share. */
class TakenLog {
  #unreported = 0;

  constructor(private readonly log: Logger) {}

  /** `missing`: those of this member's share that it did not hold before. */
  note(taken: number, { missing, held }: { missing: number; held: number }): void {
    this.#unreported += taken;
    if (taken < missing) return;
    this.log.info('partitions taken', { count: this.#unreported, held });
    this.#unreported = 0;
  }
}

import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisMembers } from './redis-members.js';
import { Sightings, type MemberBeat } from './sightings.js';

/** The members in the database. All times are the server's, since leases of many machines need one clock. */
export interface MemberStore {
  /**
   * Writes a heartbeat and the revision below which this member's memory holds all changes. Returns the server's time.
   */
  beat(memberId: string, seen: string | null): Promise<Date>;
  /** All members with their last heartbeats. */
  list(): Promise<MemberBeat[]>;
  /** Removes a member that leaves. */
  remove(memberId: string): Promise<void>;
  /** Deletes members whose last heartbeat is older. */
  removeOlderThan(ageMs: number): Promise<void>;
}

/** The stores in use: both, the database only, or the database with one member. */
export type CoordinationMode = 'redis' | 'database' | 'single';

/** Dependencies of the membership. */
export interface MembershipDeps {
  memberId: string;
  store: MemberStore;
  /** Undefined: the database only. */
  redis: RedisMembers | undefined;
  leaseMs: number;
  heartbeatMs: number;
  /** No other process can use this database (the embedded one is locked): rows of other members are left over. */
  isSingleProcess: boolean;
  seenRevision: () => string | null;
  clock: ServiceClock;
  log: Logger;
}

/** The members that this process sees, and whether it may commit. */
export interface Membership {
  /**
   * Sends a heartbeat to both stores and reads the other members. If the database is unavailable, it rejects and the
   * view stays as it was.
   */
  beat(): Promise<void>;
  /** The members, this one included, sorted. */
  view(): string[];
  /** Which stores are in use. */
  mode(): CoordinationMode;
  /** False as soon as other members might take the partitions of this one. */
  mayCommit(): boolean;
  /** Removes this member from both stores, so that the others need not wait for its lease to end. */
  leave(): Promise<void>;
}

/** The part of the lease at its end in which this member does not commit: a commit may take that long. */
const MARGIN = 0.2;
const FORGET_AFTER_LEASES = 10;
const FORGET_EVERY_BEATS = 50;
/**
 * If two reads are further apart than this many heartbeats, this process was paused, and the others were not silent.
 */
const PAUSED_AFTER_HEARTBEATS = 3;

/** Creates the membership. The first heartbeat joins. */
export function createMembership(deps: MembershipDeps): Membership {
  const { clock, memberId, leaseMs, store, redis } = deps;
  const inDatabase = new Sightings();
  const inRedis = new Sightings();
  const observedNow = observingClock(deps);
  let view = [memberId];
  let mode: CoordinationMode = redis ? 'redis' : 'single';
  /**
   * When the last acknowledged heartbeat was sent (and not when it was answered), so that other members never expect
   * this lease to end earlier than this member does. Monotonic.
   */
  let acknowledgedMs: number | undefined;
  let beats = 0;

  async function beatInDatabase(): Promise<MemberBeat[]> {
    const startedMs = clock.monotonicMs();
    const databaseNow = await store.beat(memberId, deps.seenRevision());
    clock.synchronise(databaseNow, (startedMs + clock.monotonicMs()) / 2);
    acknowledgedMs = startedMs;
    if (beats++ % FORGET_EVERY_BEATS === 0)
      await store.removeOlderThan(deps.isSingleProcess ? leaseMs : FORGET_AFTER_LEASES * leaseMs);
    return deps.isSingleProcess ? [] : store.list();
  }

  return {
    async beat() {
      const listed = await beatInDatabase();
      // After the database: a member without it cannot work, and a heartbeat in Redis would keep its partitions from
      // others.
      const listedInRedis = await redis?.beat();
      const nowMs = observedNow();
      inDatabase.update(listed, nowMs);
      if (listedInRedis) inRedis.update(listedInRedis, nowMs);
      else inRedis.forget();
      const others = [inDatabase, inRedis].flatMap((half) => half.alive(nowMs, leaseMs));
      const before = view;
      view = [...new Set([memberId, ...others])].sort();
      mode = listedInRedis ? 'redis' : redis || view.length > 1 ? 'database' : 'single';
      logChange(deps.log, before, view);
    },
    view: () => view,
    mode: () => mode,
    mayCommit: () => acknowledgedMs !== undefined && clock.monotonicMs() - acknowledgedMs < leaseMs * (1 - MARGIN),
    async leave() {
      acknowledgedMs = undefined;
      view = [];
      // The others see the union of both stores: as long as one of them has this member, it has not left.
      await store
        .remove(memberId)
        .catch((err: unknown) =>
          deps.log.warn(
            'could not remove this member from the database: its partitions are taken when its lease ends',
            { err: toError(err) },
          ),
        );
      await redis?.leave();
    },
  };
}

/**
 * The clock that measures the silence of other members. It is monotonic, but stands still while this process could not
 * read heartbeats (it was paused, or the database was unavailable). Otherwise the first member to recover would
 * consider all others dead and take all partitions.
 */
function observingClock({ clock, heartbeatMs }: MembershipDeps): () => number {
  let observedMs = 0;
  let lastReadMs: number | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    const elapsedMs = nowMs - (lastReadMs ?? nowMs);
    observedMs += elapsedMs > PAUSED_AFTER_HEARTBEATS * heartbeatMs ? heartbeatMs : elapsedMs;
    lastReadMs = nowMs;
    return observedMs;
  };
}

function logChange(log: Logger, before: readonly string[], after: readonly string[]): void {
  const joined = after.filter((id) => !before.includes(id));
  const gone = before.filter((id) => !after.includes(id));
  if (joined.length + gone.length > 0) log.info('members changed', { members: after.length, joined, gone });
}

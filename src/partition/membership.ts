import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisMembers } from './redis-members.js';
import { Sightings, type MemberBeat } from './sightings.js';

/** The members as the database has them. All times are the server's: leases of many machines need one clock. */
export interface MemberStore {
  /**
   * Records a heartbeat of this member, with the revision below which its memory holds everything. Returns the server's
   * time.
   */
  beat(memberId: string, seen: string | null): Promise<Date>;
  list(): Promise<MemberBeat[]>;
  remove(memberId: string): Promise<void>;
  /** Forgets members that have not beaten for this long. */
  removeOlderThan(ageMs: number): Promise<void>;
}

export type CoordinationMode = 'redis' | 'database' | 'single';

export interface MembershipDeps {
  memberId: string;
  store: MemberStore;
  /** Absent: the database half alone. */
  redis: RedisMembers | undefined;
  leaseMs: number;
  heartbeatMs: number;
  /**
   * No other process can be on this database (the embedded one is locked): rows of others are left over from the dead.
   */
  isSingleProcess: boolean;
  seenRevision: () => string | null;
  clock: ServiceClock;
  log: Logger;
}

/** Who takes part, as this process sees it, and whether it may itself act. */
export interface Membership {
  /**
   * One heartbeat in both stores and a look at who else beats. Rejects, and leaves the view as it was, if the database
   * cannot be asked.
   */
  beat(): Promise<void>;
  /** The members, this one included, in order. */
  view(): string[];
  mode(): CoordinationMode;
  /**
   * Monotonic; undefined before the first. The moment *before* it was sent, so that no one else can reckon our lease to
   * end earlier.
   */
  lastAcknowledgedBeatMs(): number | undefined;
  /** False as soon as others might be taking our partitions. */
  mayCommit(): boolean;
  /** Says goodbye in both stores, so that nobody waits for the lease to end. */
  leave(): Promise<void>;
}

/** How much earlier than the others we consider our own lease ended: what a commit in flight may take. */
const MARGIN = 0.2;
const FORGET_AFTER_LEASES = 10;
const FORGET_EVERY_BEATS = 50;
/**
 * A look that comes later than this many heartbeats after the one before means that we were blind, not that the others
 * were silent.
 */
const PAUSED_AFTER_HEARTBEATS = 3;

export function createMembership(deps: MembershipDeps): Membership {
  const { clock, memberId, leaseMs, store, redis } = deps;
  const inDatabase = new Sightings();
  const inRedis = new Sightings();
  const observedNow = observingClock(deps);
  let view = [memberId];
  let mode: CoordinationMode = redis ? 'redis' : 'single';
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
      // Only now: a member that is cut off from the database cannot work, and beating on in Redis would keep its
      // partitions from others.
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
    lastAcknowledgedBeatMs: () => acknowledgedMs,
    mayCommit: () => acknowledgedMs !== undefined && clock.monotonicMs() - acknowledgedMs < leaseMs * (1 - MARGIN),
    async leave() {
      acknowledgedMs = undefined;
      view = [];
      // The view of the others is the union of both: while one still has us we are not gone.
      await store
        .remove(memberId)
        .catch((err: unknown) => deps.log.warn('could not say goodbye', { err: toError(err) }));
      await redis?.leave();
    },
  };
}

/**
 * The clock by which others' silence is measured: monotonic, but standing still while this process could not look (it
 * was paused, or the database was away). Otherwise the first to look after an outage would hold everybody else for
 * dead, and take all there is.
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

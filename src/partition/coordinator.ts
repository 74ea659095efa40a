import { randomUUID } from 'node:crypto';

import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Redis } from '../redis.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { Mutex } from '../async/mutex.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import { createMembership, type CoordinationMode, type Membership, type MemberStore } from './membership.js';
import { createOwnership, type OwnershipListener, type PartitionStore } from './ownership.js';
import { createRedisMembers } from './redis-members.js';

/** Dependencies of a coordinator. */
export interface CoordinatorDeps {
  members: MemberStore;
  partitions: PartitionStore;
  /** Undefined: coordination by the database only. Redis may also become unavailable later. */
  redis: { command: Redis; subscriber: Redis } | undefined;
  prefix: string;
  leaseMs: number;
  heartbeatMs: number;
  /** The beginning of the member's id, for operators. */
  name?: string;
  /**
   * True for the embedded database. It is locked, so no other process can use it, and leases need not be waited for.
   */
  isSingleProcess?: boolean;
  clock: ServiceClock;
  log: Logger;
  telemetry: Pick<Telemetry, 'partitionsOwned' | 'members' | 'coordinationMode'>;
  listener: OwnershipListener;
  /** No heartbeat is sent while this is false, so that a hanging member loses its partitions. */
  makingProgress: () => boolean;
  /** The revision below which the evaluator's memory holds all changes; null before it has loaded. */
  seenRevision: () => string | null;
}

/** The part of this evaluator in sharing the work: its id, its partitions, and whether it may commit. */
export interface Coordinator {
  readonly memberId: string;
  /**
   * Sends heartbeats. After each one it releases and takes partitions. It ends without leaving: call `leave` when no
   * batch is running.
   */
  readonly loop: Loop;
  /** The partitions of this member, with their epochs. */
  held(): ReadonlyMap<number, { epoch: number }>;
  /** The members that this process sees, this one included. */
  view(): string[];
  /** Which stores the coordination uses at present. */
  mode(): CoordinationMode;
  /** Call right before a commit. False once the lease may have ended: then the results must be dropped. */
  mayCommit(): boolean;
  /** Sends a heartbeat at once. Call when partitions are loaded: then this member takes further ones. */
  wake(): void;
  /** Releases all partitions and removes the member, so that others take over at once. Idempotent; never rejects. */
  leave(): Promise<void>;
}

const MODES = ['redis', 'database', 'single'] as const satisfies readonly CoordinationMode[];

/** Joins the other evaluators under a new member id. */
export function createCoordinator(deps: CoordinatorDeps): Coordinator {
  const { clock, log } = deps;
  const memberId = `${deps.name ?? 'evaluator'}-${randomUUID()}`;
  const isSingleProcess = deps.isSingleProcess ?? false;
  const redis = deps.redis && createRedisMembers({ ...deps, ...deps.redis, memberId, timeoutMs: deps.heartbeatMs });
  const membership = createMembership({ ...deps, memberId, store: deps.members, redis, isSingleProcess });
  const ownership = createOwnership({ ...deps, memberId, store: deps.partitions, isSingleProcess });
  const mutex = new Mutex();
  const alarmClock = new WakeableSleep(clock);
  let leaving: Promise<void> | undefined;
  let lastProblem: string | undefined;

  async function heartbeat(): Promise<void> {
    if (leaving) return;
    if (!deps.makingProgress())
      return warnOnce('evaluation makes no progress: heartbeats stop, so that other members take over');
    try {
      await membership.beat();
      const { isNews, hasTaken } = await ownership.reconcile(membership.view());
      if (isNews) await redis?.announce('partitions');
      // Few alarms are loaded by now.
      if (hasTaken) alarmClock.wake();
      if (lastProblem !== undefined) log.info('coordination works again');
      lastProblem = undefined;
    } catch (cause) {
      warnOnce('coordination failed; will retry at the next heartbeat', toError(cause));
    }
    report(deps.telemetry, membership, ownership.held().size);
  }

  /** Logs a problem once, not at every heartbeat. */
  function warnOnce(message: string, err?: Error): void {
    if (lastProblem !== message) log.warn(message, err ? { err } : {});
    lastProblem = message;
  }

  async function run(signal: AbortSignal): Promise<void> {
    redis?.watch(() => alarmClock.wake(), signal);
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      alarmClock.set();
      await mutex.runExclusive(heartbeat);
      await alarmClock.sleep(startedMs + deps.heartbeatMs - clock.monotonicMs(), signal);
    }
  }

  async function leave(): Promise<void> {
    await ownership
      .releaseAll()
      .catch((err: unknown) => log.warn('could not release partitions', { err: toError(err) }));
    await membership.leave();
    report(deps.telemetry, membership, 0);
  }

  return {
    memberId,
    loop: { name: 'coordination', run },
    held: ownership.held,
    view: membership.view,
    mode: membership.mode,
    mayCommit: membership.mayCommit,
    wake: () => alarmClock.wake(),
    leave: () => (leaving ??= mutex.runExclusive(leave)),
  };
}

function report(telemetry: CoordinatorDeps['telemetry'], membership: Membership, held: number): void {
  telemetry.partitionsOwned.set(held);
  telemetry.members.set(membership.view().length);
  for (const mode of MODES) telemetry.coordinationMode.set({ mode }, membership.mode() === mode ? 1 : 0);
}

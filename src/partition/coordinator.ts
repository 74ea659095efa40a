import { randomUUID } from 'node:crypto';

import type { ServiceClock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Redis } from '../redis.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import { createMembership, type CoordinationMode, type Membership, type MemberStore } from './membership.js';
import { createOwnership, type OwnershipListener, type PartitionStore } from './ownership.js';
import { createRedisMembers } from './redis-members.js';

export interface CoordinatorDeps {
  members: MemberStore;
  partitions: PartitionStore;
  /** Absent: the database half alone. Losing it later is a mode, too. */
  redis: { command: Redis; subscriber: Redis } | undefined;
  prefix: string;
  leaseMs: number;
  heartbeatMs: number;
  /** What the member's id begins with, for people who look at it. */
  name?: string;
  /** True for the embedded database, which is locked: no other process can be alive on it, so nothing is waited for. */
  isSingleProcess?: boolean;
  clock: ServiceClock;
  log: Logger;
  telemetry: Pick<Telemetry, 'partitionsOwned' | 'members' | 'coordinationMode'>;
  listener: OwnershipListener;
  /** Heartbeats are sent only while this is true: who is stuck must lose its alarms, however well its timers run. */
  makingProgress: () => boolean;
  /**
   * The revision below which the listener's memory holds everything, as the database writes it; null before it has
   * loaded.
   */
  seenRevision: () => string | null;
}

/** This evaluator's part in sharing the work: who it is, what it holds and whether it may act on it. */
export interface Coordinator {
  readonly memberId: string;
  /**
   * Heartbeats, and after each a look at what to release and to take. Ends without leaving: call `leave` when the work
   * in hand is done.
   */
  readonly loop: Loop;
  held(): ReadonlyMap<number, { epoch: number }>;
  view(): string[];
  mode(): CoordinationMode;
  lastAcknowledgedBeatMs(): number | undefined;
  /** To be asked right before a commit. False once the lease may have ended; what is then in hand must be dropped. */
  mayCommit(): boolean;
  /** Gives everything back and says goodbye, so that others take over at once. Idempotent; never rejects. */
  leave(): Promise<void>;
  /** Looks now instead of at the next heartbeat. */
  wake(): void;
}

const MODES = ['redis', 'database', 'single'] as const satisfies readonly CoordinationMode[];

export function createCoordinator(deps: CoordinatorDeps): Coordinator {
  const { clock, log } = deps;
  const memberId = `${deps.name ?? 'evaluator'}-${randomUUID()}`;
  const isSingleProcess = deps.isSingleProcess ?? false;
  const redis = deps.redis && createRedisMembers({ ...deps, ...deps.redis, memberId, timeoutMs: deps.heartbeatMs });
  const membership = createMembership({ ...deps, memberId, store: deps.members, redis, isSingleProcess });
  const ownership = createOwnership({ ...deps, memberId, store: deps.partitions, isSingleProcess });
  const mutex = createMutex();
  const alarmClock = new WakeableSleep(clock);
  let leaving: Promise<void> | undefined;
  let lastProblem: string | undefined;

  async function heartbeat(): Promise<void> {
    if (leaving) return;
    if (!deps.makingProgress()) return warnOnce('evaluation makes no progress: no heartbeat');
    try {
      await membership.beat();
      const { releasedSome } = await ownership.reconcile(membership.view());
      if (releasedSome) await redis?.announce('release');
      if (lastProblem !== undefined) log.info('coordination works again');
      lastProblem = undefined;
    } catch (cause) {
      warnOnce('coordination failed, trying again', toError(cause));
    }
    report(deps.telemetry, membership, ownership.held().size);
  }

  /** Once per lastProblem, not once per heartbeat. */
  function warnOnce(message: string, err?: Error): void {
    if (lastProblem !== message) log.warn(message, err ? { err } : {});
    lastProblem = message;
  }

  async function run(signal: AbortSignal): Promise<void> {
    redis?.watch(() => alarmClock.wake(), signal);
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      alarmClock.set();
      await mutex(heartbeat);
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
    lastAcknowledgedBeatMs: membership.lastAcknowledgedBeatMs,
    mayCommit: membership.mayCommit,
    leave: () => (leaving ??= mutex(leave)),
    wake: () => alarmClock.wake(),
  };
}

function report(telemetry: CoordinatorDeps['telemetry'], membership: Membership, held: number): void {
  telemetry.partitionsOwned.set(held);
  telemetry.members.set(membership.view().length);
  for (const mode of MODES) telemetry.coordinationMode.set({ mode }, membership.mode() === mode ? 1 : 0);
}

/** Runs pieces of work one after the other. None of ours rejects. */
function createMutex(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (work) => (last = last.then(work));
}

import type { DeliveryPolicy } from '../alarm/alarm.js';
import { PHASES_PER_INTERVAL } from '../alarm/partition-key.js';
import type { Clock } from '../clock.js';
import type { Datasources } from '../datasource/registry.js';
import type { Logger } from '../logger.js';
import type { TakenPartition } from '../partition/ownership.js';
import type { NotifierWaker } from '../notifier/waker.js';
import type { RecordBehind } from '../storage/evaluation/behind-store.js';
import type { CommitEvaluations } from '../storage/evaluation/evaluation-commit.js';
import type { EvaluationStore } from '../storage/evaluation/evaluation-store.js';
import type { SettleAlarms } from '../storage/silences/settle-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { AlarmCache } from './alarm-cache.js';
import { BehindRecorder } from './lateness/behind-recorder.js';
import { BehindWatch, type Lateness } from './lateness/behind-watch.js';
import type { CommitDeps } from './commit-outcomes.js';
import { createResultCounter, type CountResults } from './count-results.js';
import { CombinationJudge } from './evaluate-combinations.js';
import { EvaluationLoop } from './evaluation-loop.js';
import { createExtraBatches } from './extra-batches.js';
import { HeldPartitions } from './held-partitions.js';
import { LatenessReport } from './lateness/lateness-report.js';
import { Quarantine } from './quarantine.js';
import { LockedOutcomes } from './locked-outcomes.js';
import { OutageWatch } from './outage-watch.js';
import { BatchRunner } from './batch-runner.js';
import { Settler } from './settler.js';

/** Dependencies of an evaluator. */
export interface EvaluatorDeps {
  store: EvaluationStore;
  commit: CommitEvaluations;
  settle: SettleAlarms;
  datasources: Datasources;
  waker: NotifierWaker;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  deadlineMs: number;
  /** How long a statement may take. */
  statementMs: number;
  /** How long an alarm keeps its state while a backend is unavailable; 0 means not at all. */
  graceMs: number;
  /** False if alarms are evaluated in scheduled batches only. */
  hasExtraBatches: boolean;
  defaultPolicy: DeliveryPolicy;
  /** A number in [0, 1). */
  random: () => number;
  /** Adds results to the stored counts; undefined if they are not counted. */
  countResults?: CountResults | undefined;
  /** Writes to the database which alarms are behind. */
  recordBehind?: RecordBehind | undefined;
  /** False once the lease of this member is too old to be relied on. */
  mayCommit: () => boolean;
  /** Called when the alarms of all held partitions are loaded. */
  onLoaded?: () => void;
}

/** Least time until an alarm in an outage is evaluated again. Normally it is an eighth of the interval. */
const RETRY_MS = 1_000;

/** The evaluator as the coordinator sees it. */
export interface Evaluator {
  loop: Loop;
  /** Call after the take is committed: then the alarms are loaded as the former owner has left them. */
  taken(partitions: readonly TakenPartition[]): void;
  /** Call when partitions are lost or released. */
  dropped(ids: readonly number[]): void;
  /** True while a batch evaluates the partition. */
  isBusy(partition: number): boolean;
  /** False if the evaluator hangs: then this member should lose its partitions. */
  makingProgress(): boolean;
  /** All changes below this revision are in memory; null while a partition is not loaded. */
  seen(): string | null;
  /** Enabled alarms of this member whose backend is not configured, by kind. */
  withoutBackend(): ReadonlyMap<string, number>;
  /** Alarms whose last evaluation found a backend unavailable. */
  alarmsInOutage(): number;
  /** How late alarms are at present, because of too many requests. */
  lateness(): Lateness;
  /** True if all alarms of the partition are in memory. */
  isLoaded(partition: number): boolean;
  /** The number of partitions of this member whose alarms are not all in memory: they are not evaluated yet. */
  unloadedPartitions(): number;
  /** Resolves when no batch and no load is running. */
  whenIdle(): Promise<void>;
}

/** Wires the parts of an evaluator. */
export function createEvaluator(deps: EvaluatorDeps): Evaluator {
  const { store, datasources, clock, log, telemetry, intervalMs, deadlineMs } = deps;
  const cache = cacheOf(deps);
  const held = new HeldPartitions();
  const quarantine = new Quarantine({ log, telemetry });
  const outages = new OutageWatch({ ...deps, retryAfterMs: Math.max(RETRY_MS, intervalMs / PHASES_PER_INTERVAL) });
  const behind = new BehindWatch();
  const combinations = new CombinationJudge({ ...store, quarantine, telemetry, intervalMs });
  const settler = new Settler(deps);
  const locked = new LockedOutcomes({ maxAgeMs: Math.max(intervalMs, deadlineMs), wake: () => loop.wake() });
  const commit = commitDepsOf(deps, {
    cache,
    settler,
    onLost: (partitions) => loop.lost(partitions),
    onFailed: () => loop.reload(),
  });
  const batchRunner = new BatchRunner({
    clock,
    log,
    telemetry,
    cache,
    held,
    batch: { datasources, quarantine, outages, behind, keepsResults: deps.countResults !== undefined, log, telemetry },
    commit,
    locked,
    countResults: deps.countResults && createResultCounter({ add: deps.countResults, log }),
    intervalMs,
    deadlineMs,
  });
  const loop: EvaluationLoop = new EvaluationLoop({
    ...deps,
    cache,
    held,
    batchRunner,
    extraBatches: deps.hasExtraBatches ? createExtraBatches({ held, batchRunner, outages, behind }) : undefined,
    outages,
    locked,
    behind,
    lateness: new LatenessReport({ log, telemetry, intervalMs }),
    recorder: deps.recordBehind && new BehindRecorder({ ...deps, record: deps.recordBehind, behind, held }),
    combinations,
    commit,
    settler,
  });
  return {
    loop,
    taken: (partitions) => loop.taken(partitions),
    dropped: (ids) => loop.dropped(ids),
    isBusy: (partition) => held.isBusy(partition),
    makingProgress: () => loop.makingProgress(),
    seen: () => cache.seen,
    withoutBackend: () => cache.withoutBackend(),
    alarmsInOutage: () => outages.size,
    lateness: () => behind.lateness(clock.now().getTime()),
    isLoaded: (partition) => cache.isLoaded(partition),
    unloadedPartitions: () => cache.unloaded,
    whenIdle: () => loop.whenIdle(),
  };
}

function cacheOf({ store, datasources, clock, log }: EvaluatorDeps): AlarmCache {
  return new AlarmCache({
    ...store,
    clock,
    isConfigured: ({ datasource, backend }) => datasources.find(datasource, backend) !== undefined,
    onUnreadable: (alarmId, err) =>
      log.error('an alarm cannot be read by this release and is not evaluated', { alarmId, err }),
  });
}

function commitDepsOf(
  deps: EvaluatorDeps,
  { cache, settler, onLost, onFailed }: Pick<CommitDeps, 'cache' | 'onLost' | 'onFailed'> & { settler: Settler },
): CommitDeps {
  const { commit, waker, mayCommit, clock, log, telemetry, memberId, intervalMs, defaultPolicy } = deps;
  const replacesRepeat: CommitDeps['replacesRepeat'] = (outcome) => settler.replacesRepeat(outcome);
  return {
    commit,
    waker,
    mayCommit,
    clock,
    log,
    telemetry,
    memberId,
    intervalMs,
    defaultPolicy,
    cache,
    replacesRepeat,
    onLost,
    onFailed,
  };
}

import { SLOTS } from '../alarm/partition-key.js';
import type { Clock } from '../clock.js';
import type { Datasources } from '../datasource/datasource.js';
import type { Logger } from '../logger.js';
import type { CommitEvaluations } from '../storage/evaluation/evaluation-commit.js';
import type { EvaluationStore } from '../storage/evaluation/evaluation-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { AlarmCache } from './alarm-cache.js';
import { BehindRecorder, type RecordBehind } from './lateness/behind-recorder.js';
import { BehindWatch, type Lateness } from './lateness/behind-watch.js';
import type { CommitDeps, NotifierWaker } from './commit-outcomes.js';
import { createResultCounter, type CountResults } from './count-results.js';
import { CombinationJudge } from './evaluate-combinations.js';
import { EvaluationLoop } from './evaluation-loop.js';
import { HeldPartitions, type TakenPartition } from './held-partitions.js';
import { LatenessReport } from './lateness/lateness-report.js';
import { PoisonWatch } from './poison-watch.js';
import { TroubleWatch } from './trouble-watch.js';
import { Turns } from './batch-runner.js';

export interface EvaluatorDeps {
  store: EvaluationStore;
  commit: CommitEvaluations;
  datasources: Datasources;
  waker: NotifierWaker;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  deadlineMs: number;
  /** How long an alarm keeps its state while a backend that it needs cannot be asked; 0: not at all. */
  graceMs: number;
  defaultPolicy: string;
  /** In [0, 1). */
  random: () => number;
  /** Where results are counted: adds them to what is stored. */
  countResults?: CountResults | undefined;
  /** Writes to the database which alarms are behind. */
  recordBehind?: RecordBehind | undefined;
  /** False once this member's lease is too old to be relied on. */
  mayCommit: () => boolean;
}

/** An alarm in trouble is looked at again after an eighth of the interval, but not sooner than this. */
const RETRY_MS = 1_000;

/** The evaluator as whoever shares out the partitions sees it. */
export interface Evaluator {
  loop: Loop;
  /** Call after the take is committed: the alarms are loaded from what the owner before has left. */
  taken(partitions: readonly TakenPartition[]): void;
  dropped(ids: readonly number[]): void;
  isBusy(partition: number): boolean;
  makingProgress(): boolean;
  /** Every revision below this one is in memory; null while something is not loaded. */
  seen(): string | null;
  /** Enabled alarms of this member's partitions that wait for a backend that is not configured, by type. */
  withoutBackend(): ReadonlyMap<string, number>;
  /** How many alarms could not be judged when they were last looked at, since a backend could not be asked. */
  inTrouble(): number;
  /** How late alarms are at present, because of too many requests. */
  lateness(): Lateness;
  /** Resolves when no batch is in hand. */
  settled(): Promise<void>;
}

export function createEvaluator(deps: EvaluatorDeps): Evaluator {
  const { store, datasources, clock, log, telemetry, intervalMs, deadlineMs } = deps;
  const cache = new AlarmCache({
    ...store,
    isConfigured: ({ datasource, backend }) => datasources.find(datasource, backend) !== undefined,
    onUnreadable: (alarmId, err) =>
      log.error('an alarm cannot be read by this release and is not evaluated', { alarmId, err }),
  });
  const held = new HeldPartitions();
  const poison = new PoisonWatch({ log, telemetry });
  const trouble = new TroubleWatch({ ...deps, retryAfterMs: Math.max(RETRY_MS, intervalMs / SLOTS) });
  const behind = new BehindWatch();
  const combinations = new CombinationJudge({
    reachableFrom: (ids) => store.reachableFrom(ids),
    poison,
    telemetry,
    intervalMs,
  });
  const commit = commitDepsOf(deps, cache, (partitions) => loop.lost(partitions));
  const turns = new Turns({
    clock,
    log,
    telemetry,
    cache,
    held,
    batch: { datasources, poison, trouble, behind, keepsResults: deps.countResults !== undefined, log, telemetry },
    commit,
    countResults: deps.countResults && createResultCounter({ add: deps.countResults, log }),
    intervalMs,
    deadlineMs,
  });
  const loop: EvaluationLoop = new EvaluationLoop({
    clock,
    log,
    telemetry,
    cache,
    held,
    turns,
    trouble,
    behind,
    lateness: new LatenessReport({ log, telemetry, intervalMs }),
    recorder: deps.recordBehind && new BehindRecorder({ ...deps, record: deps.recordBehind, behind, held }),
    combinations,
    commit,
    intervalMs,
    deadlineMs,
  });
  return {
    loop,
    taken: (partitions) => loop.taken(partitions),
    dropped: (ids) => loop.dropped(ids),
    isBusy: (partition) => held.isBusy(partition),
    makingProgress: () => loop.makingProgress(),
    seen: () => cache.seen,
    withoutBackend: () => cache.withoutBackend(),
    inTrouble: () => trouble.size,
    lateness: () => behind.lateness(clock.now().getTime()),
    settled: () => loop.settled(),
  };
}

function commitDepsOf(deps: EvaluatorDeps, cache: AlarmCache, onLost: CommitDeps['onLost']): CommitDeps {
  const { commit, waker, mayCommit, log, telemetry, memberId, intervalMs, defaultPolicy } = deps;
  return { commit, waker, mayCommit, cache, log, telemetry, memberId, intervalMs, defaultPolicy, onLost };
}

import type { Clock } from '../clock.js';
import type { Datasources } from '../datasource/datasource.js';
import type { Logger } from '../logger.js';
import type { CommitEvaluations } from '../storage/evaluation-commit.js';
import type { EvaluationStore } from '../storage/evaluation-store.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { AlarmCache } from './alarm-cache.js';
import type { Doorbell } from './commit-outcomes.js';
import { createResultCounter, type CountResults } from './count-results.js';
import { CombinationJudge } from './evaluate-combinations.js';
import { EvaluationLoop } from './evaluation-loop.js';
import { HeldPartitions, type TakenPartition } from './held-partitions.js';
import { PoisonWatch } from './poison-watch.js';

export interface EvaluatorDeps {
  store: EvaluationStore;
  commit: CommitEvaluations;
  datasources: Datasources;
  doorbell: Doorbell;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  deadlineMs: number;
  defaultPolicy: string;
  /** Where results are counted: adds them to what is stored. */
  countResults?: CountResults | undefined;
  /** False once this member's lease is too old to be relied on. */
  mayCommit: () => boolean;
}

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
  /** Resolves when no batch is in hand. */
  settled(): Promise<void>;
}

export function createEvaluator(deps: EvaluatorDeps): Evaluator {
  const { store, clock, log, telemetry, intervalMs, deadlineMs, memberId, defaultPolicy } = deps;
  const cache = new AlarmCache({
    ...store,
    isConfigured: ({ datasource, backend }) => deps.datasources.find(datasource, backend) !== undefined,
    onUnreadable: (alarmId, err) => log.error('an alarm cannot be read by this release and is not evaluated', { alarmId, err }),
  });
  const held = new HeldPartitions();
  const poison = new PoisonWatch({ log, telemetry });
  const combinations = new CombinationJudge({ reachableFrom: (ids) => store.reachableFrom(ids), poison, telemetry, intervalMs });
  const loop: EvaluationLoop = new EvaluationLoop({
    clock,
    log,
    telemetry,
    cache,
    held,
    combinations,
    intervalMs,
    deadlineMs,
    batch: { datasources: deps.datasources, poison, keepsResults: deps.countResults !== undefined, log, telemetry },
    countResults: deps.countResults && createResultCounter({ add: deps.countResults, log }),
    commit: {
      commit: deps.commit,
      doorbell: deps.doorbell,
      mayCommit: deps.mayCommit,
      onLost: (partitions) => loop.lost(partitions),
      cache,
      log,
      telemetry,
      memberId,
      intervalMs,
      defaultPolicy,
    },
  });
  return {
    loop,
    taken: (partitions) => loop.taken(partitions),
    dropped: (ids) => loop.dropped(ids),
    isBusy: (partition) => held.isBusy(partition),
    makingProgress: () => loop.makingProgress(),
    seen: () => cache.seen,
    settled: () => loop.settled(),
  };
}

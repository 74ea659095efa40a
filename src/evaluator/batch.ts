import type { SeriesNeed } from '../alarm/series.js';
import type { Datasources } from '../datasource/registry.js';
import type { Logger } from '../logger.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { EvaluationResult } from './count-results.js';
import type { HeldAlarm } from './held-alarm.js';
import type { BehindWatch } from './lateness/behind-watch.js';
import type { EvaluationPass, OutageWatch } from './outage-watch.js';
import type { Quarantine } from './quarantine.js';

/** Dependencies of the evaluation of a batch. */
export interface EvaluateBatchDeps {
  datasources: Datasources;
  quarantine: Quarantine;
  outages: OutageWatch;
  behind: BehindWatch;
  keepsResults?: boolean;
  log: Logger;
  telemetry: Telemetry;
}

/** The alarms of a batch and its limits. */
export interface Batch extends EvaluationPass {
  alarms: readonly HeldAlarm[];
  /** The last evaluation of a partition before this batch. */
  lastMs?: (partition: number) => number | undefined;
  /**
   * Called when the answers are there. False for alarms that this evaluator has lost or that another batch evaluates.
   */
  isCurrent?: (alarm: HeldAlarm) => boolean;
  /** When this aborts, alarms whose requests are not sent are left to a later batch. */
  sendBy: AbortSignal;
  /** Passed to the backends; aborts at the deadline. */
  signal: AbortSignal;
  /** Aborts a little later: then the batch goes on without the missing answers. */
  cutOff: AbortSignal;
}

/** The outcomes of alarms that need the same backends. */
export interface BatchPart {
  outcomes: EvaluationOutcome[];
  /** The verdicts to count; empty unless `keepsResults`. */
  results: EvaluationResult[];
  /** Partitions with alarms that are not judged yet. Later parts contain them. */
  unfinished: ReadonlySet<number>;
  /** The number of alarms that were not evaluated because their requests were not sent in time. */
  notSent: number;
}

/** Names the backend of a need: its datasource, and the name of a further backend of that datasource. */
export function backendOf({ datasource, backend }: Pick<SeriesNeed, 'datasource' | 'backend'>): string {
  return backend === null ? datasource : `${datasource} ${backend}`;
}

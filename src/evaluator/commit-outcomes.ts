import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type {
  CommitEvaluations,
  CommitResult,
  EvaluationBatch,
  EvaluationOutcome,
} from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { AlarmCache } from './alarm-cache.js';

/** Rows of one transaction. More would hold locks for longer than a reader should wait. */
const CHUNK = 500;

/** Tells the notifiers that there is work. Never throws: a lost ring is found by their sweepers. */
export interface NotifierWaker {
  wake(notifications: number): void;
}

export interface CommitDeps {
  commit: CommitEvaluations;
  cache: AlarmCache;
  waker: NotifierWaker;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  defaultPolicy: string;
  /** False once this member's lease is too old to be relied on. */
  mayCommit: () => boolean;
  /** Called with partitions that the database says are another member's. */
  onLost: (partitions: readonly { id: number; epoch: number }[]) => void;
}

export interface Progress {
  partitions: readonly { id: number; epoch: number }[];
  at: Date;
  /**
   * `checkpoint`: evaluated once everything is committed; `progress`: begun, and not evaluated whole; `none`: left
   * alone.
   */
  mark: EvaluationBatch['mark'];
}

/**
 * Writes what a batch decided, in chunks, and the partitions' checkpoint with the last of them, so that a reader who
 * sees equal start and end of an evaluation sees all of it. `isWhole` is false when it ended early; nothing
 * half-written is a lie: each chunk stands by itself, and without the last one the partitions stay due. `refused` is
 * all that was not written.
 */
export async function commitOutcomes(
  deps: CommitDeps,
  outcomes: readonly EvaluationOutcome[],
  progress: Progress,
): Promise<{ isWhole: boolean; refused: EvaluationOutcome[] }> {
  const chunks: (readonly EvaluationOutcome[])[] = [];
  for (let start = 0; start < outcomes.length; start += CHUNK) chunks.push(outcomes.slice(start, start + CHUNK));
  if (chunks.length === 0 && progress.mark !== 'none') chunks.push([]);
  const refused: EvaluationOutcome[] = [];
  for (const [index, chunk] of chunks.entries()) {
    const mark = progress.mark === 'checkpoint' && index < chunks.length - 1 ? 'progress' : progress.mark;
    const result = await commitChunk(deps, chunk, progress, mark);
    if (result === undefined) return { isWhole: false, refused: [...refused, ...chunks.slice(index).flat()] };
    refused.push(...result.fenced);
  }
  return { isWhole: true, refused };
}

async function commitChunk(
  deps: CommitDeps,
  outcomes: readonly EvaluationOutcome[],
  progress: Progress,
  mark: EvaluationBatch['mark'],
): Promise<CommitResult | undefined> {
  if (!deps.mayCommit()) {
    deps.telemetry.transitionsFenced.inc({ reason: 'lease' }, outcomes.length);
    deps.log.warn('results dropped: the lease of this evaluator may have run out', { results: outcomes.length });
    return undefined;
  }
  const touched = new Set(outcomes.map(({ partition }) => partition));
  const partitions = progress.partitions.filter(({ id }) => mark !== 'none' || touched.has(id));
  const ids = partitions.map(({ id }) => id);
  const staleBefore = new Date(progress.at.getTime() - deps.intervalMs);
  const { memberId, defaultPolicy } = deps;
  try {
    const result = await deps.commit({
      memberId,
      partitions,
      outcomes,
      at: progress.at,
      mark,
      staleBefore,
      defaultPolicy,
    });
    settle(deps, result, partitions);
    return result;
  } catch (thrown) {
    // The answer may have been lost after the commit: what is in memory is a guess until it is read again.
    deps.cache.distrust(ids);
    deps.log.warn('a commit failed or its answer was lost; its alarms are read again', {
      results: outcomes.length,
      err: toError(thrown),
    });
    return undefined;
  }
}

function settle(deps: CommitDeps, result: CommitResult, partitions: Progress['partitions']): void {
  for (const { outcome, stateVersion } of result.committed) {
    if (outcome.kind === 'reason') deps.cache.reasonCommitted(outcome, stateVersion);
    if (outcome.kind !== 'transition') continue;
    deps.cache.committed(outcome, stateVersion);
    deps.telemetry.transitions.inc({ state: outcome.to });
    const { alarmId, from, to, reason } = outcome;
    deps.log.info('alarm changed state', { alarmId, from, to, reason, stateVersion });
  }
  if (result.notifications > 0) deps.waker.wake(result.notifications);
  if (result.fenced.length > 0) {
    const fenced = result.fenced.filter(({ kind }) => kind !== 'reason').length;
    deps.telemetry.transitionsFenced.inc({ reason: result.lost.length > 0 ? 'epoch' : 'version' }, fenced);
    deps.cache.reread(result.fenced.map(({ alarmId }) => alarmId));
  }
  if (result.lost.length > 0) {
    deps.log.warn('partitions have another owner; their results were refused', { partitions: result.lost });
    deps.onLost(partitions.filter(({ id }) => result.lost.includes(id)));
  }
}

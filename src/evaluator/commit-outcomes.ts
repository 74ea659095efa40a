import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { CommitEvaluations, CommitResult, EvaluationBatch, Outcome } from '../storage/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { AlarmCache } from './alarm-cache.js';

/** Rows of one transaction. More would hold locks for longer than a reader should wait. */
const CHUNK = 500;

/** Tells the notifiers that there is work. Never throws: a lost ring is found by their sweepers. */
export interface Doorbell {
  ring(notifications: number): void;
}

export interface CommitDeps {
  commit: CommitEvaluations;
  cache: AlarmCache;
  doorbell: Doorbell;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  defaultPolicy: string;
  /** False once this member's lease is too old to be relied on. */
  mayCommit: () => boolean;
  /** Called with partitions that the database says are another member's. */
  onLost: (partitions: readonly number[]) => void;
}

export interface Progress {
  partitions: readonly { id: number; epoch: number }[];
  at: Date;
  /** Whether these partitions count as evaluated once everything is committed. */
  checkpoint: boolean;
}

/**
 * Writes what a batch decided, in chunks, and the partitions' checkpoint with the last of them, so that a reader who sees equal
 * start and end of an evaluation sees all of it. Resolves false when it was not written whole; nothing half-written is a lie:
 * each chunk stands by itself and the partition stays due.
 */
export async function commitOutcomes(deps: CommitDeps, outcomes: readonly Outcome[], progress: Progress): Promise<boolean> {
  const chunks: (readonly Outcome[])[] = [];
  for (let start = 0; start < outcomes.length; start += CHUNK) chunks.push(outcomes.slice(start, start + CHUNK));
  if (chunks.length === 0) chunks.push([]);
  for (const [index, chunk] of chunks.entries()) {
    const mark = !progress.checkpoint ? 'none' : index === chunks.length - 1 ? 'checkpoint' : 'progress';
    if (mark === 'none' && chunk.length === 0) continue;
    if (!(await commitChunk(deps, chunk, progress, mark))) return false;
  }
  return true;
}

async function commitChunk(
  deps: CommitDeps,
  outcomes: readonly Outcome[],
  progress: Progress,
  mark: EvaluationBatch['mark'],
): Promise<boolean> {
  if (!deps.mayCommit()) {
    deps.telemetry.transitionsFenced.inc({ reason: 'lease' }, outcomes.length);
    deps.log.warn('results dropped: the lease of this evaluator may have run out', { results: outcomes.length });
    return false;
  }
  const touched = new Set(outcomes.map(({ partition }) => partition));
  const partitions = progress.partitions.filter(({ id }) => mark !== 'none' || touched.has(id));
  const ids = partitions.map(({ id }) => id);
  const staleBefore = new Date(progress.at.getTime() - deps.intervalMs);
  const { memberId, defaultPolicy } = deps;
  try {
    settle(deps, await deps.commit({ memberId, partitions, outcomes, at: progress.at, mark, staleBefore, defaultPolicy }));
  } catch (thrown) {
    // The answer may have been lost after the commit: what is in memory is a guess until it is read again.
    deps.cache.distrust(ids);
    deps.log.warn('a commit failed or its answer was lost; its alarms are read again', {
      results: outcomes.length,
      err: toError(thrown),
    });
    return false;
  }
  return true;
}

function settle(deps: CommitDeps, result: CommitResult): void {
  for (const { outcome, stateVersion } of result.committed) {
    if (outcome.kind !== 'transition') continue;
    deps.cache.committed(outcome, stateVersion);
    deps.telemetry.transitions.inc({ state: outcome.to });
    const { alarmId, from, to, reason } = outcome;
    deps.log.info('alarm changed state', { alarmId, from, to, reason, stateVersion });
  }
  if (result.notifications > 0) deps.doorbell.ring(result.notifications);
  if (result.fenced.length > 0) {
    deps.telemetry.transitionsFenced.inc({ reason: result.lost.length > 0 ? 'epoch' : 'version' }, result.fenced.length);
    deps.cache.reread(result.fenced.map(({ alarmId }) => alarmId));
  }
  if (result.lost.length > 0) {
    deps.log.warn('partitions have another owner; their results were refused', { partitions: result.lost });
    deps.onLost(result.lost);
  }
}

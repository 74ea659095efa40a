import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker } from '../notifier/waker.js';
import type {
  CommitEvaluations,
  CommitResult,
  EvaluationBatch,
  EvaluationOutcome,
} from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { AlarmCache } from './alarm-cache.js';

/** Rows per transaction. More would hold locks for too long. */
const CHUNK = 500;

/** Dependencies of a commit. */
export interface CommitDeps {
  commit: CommitEvaluations;
  cache: AlarmCache;
  waker: NotifierWaker;
  log: Logger;
  telemetry: Telemetry;
  memberId: string;
  intervalMs: number;
  defaultPolicy: DeliveryPolicy;
  clock: Pick<Clock, 'now'>;
  /** True if the repeat is left out, since released notifications of the same state replace it. */
  replacesRepeat: (outcome: EvaluationOutcome) => boolean;
  /** False once the lease of this member is too old to be relied on. */
  mayCommit: () => boolean;
  /** Called with partitions that another member owns according to the database. */
  onLost: (partitions: readonly { id: number; epoch: number }[]) => void;
  /** Called when a commit has failed: the alarms of its partitions are to be loaded again. */
  onFailed: () => void;
}

/** The partitions of a batch, its moment, and what a commit says about their progress. */
export interface Progress {
  partitions: readonly { id: number; epoch: number }[];
  at: Date;
  /**
   * `checkpoint`: evaluated when all chunks are committed; `progress`: partly evaluated; `none`: the progress is not
   * changed.
   */
  mark: EvaluationBatch['mark'];
  /** Called after each statement. */
  onAdvance?: (() => void) | undefined;
  /** As `EvaluationBatch.waiting`, of any partitions. */
  waiting?: (() => readonly EvaluationOutcome[]) | undefined;
  /** False for an outcome that is no longer to be written: a newer evaluation replaces it. Default: all are wanted. */
  isWanted?: ((outcome: EvaluationOutcome) => boolean) | undefined;
}

/**
 * Writes the outcomes of a batch in chunks. The last chunk writes the checkpoint of the partitions, so a reader that
 * sees equal start and end of an evaluation sees all of it, except for locked alarms. `isComplete` is false if a chunk
 * failed: the chunks before it are valid by themselves, and the partitions stay due. `notWritten`: the outcomes that
 * the database refused, those of `locked` alarms, and those from the failed chunk on.
 */
export async function commitOutcomes(
  deps: CommitDeps,
  found: readonly EvaluationOutcome[],
  progress: Progress,
): Promise<{ isComplete: boolean; notWritten: EvaluationOutcome[]; locked: EvaluationOutcome[] }> {
  const outcomes = found.filter((outcome) => outcome.kind !== 'repeat' || !deps.replacesRepeat(outcome));
  const chunks: (readonly EvaluationOutcome[])[] = [];
  for (let start = 0; start < outcomes.length; start += CHUNK) chunks.push(outcomes.slice(start, start + CHUNK));
  if (chunks.length === 0 && progress.mark !== 'none') chunks.push([]);
  const notWritten: EvaluationOutcome[] = [];
  const locked: EvaluationOutcome[] = [];
  for (const [index, chunk] of chunks.entries()) {
    const isLast = index === chunks.length - 1;
    const part = {
      outcomes: chunk,
      mark: progress.mark === 'checkpoint' && !isLast ? 'progress' : progress.mark,
      partitions: partitionsOf(isLast ? outcomes : chunk, progress),
      waiting: isLast ? waitingAfter(chunks.slice(0, index).flat(), locked, progress) : undefined,
    } as const;
    const result = await commitChunk(deps, part, progress);
    progress.onAdvance?.();
    if (result === undefined)
      return { isComplete: false, notWritten: [...notWritten, ...chunks.slice(index).flat()], locked };
    locked.push(...result.locked);
    notWritten.push(...result.fenced, ...result.locked);
  }
  return { isComplete: true, notWritten, locked };
}

const NOTHING_WANTED: CommitResult = { committed: [], fenced: [], locked: [], lost: [], notifications: 0 };

/** The partitions that a commit of these outcomes locks. */
function partitionsOf(outcomes: readonly EvaluationOutcome[], progress: Progress): Progress['partitions'] {
  if (progress.mark !== 'none') return progress.partitions;
  const touched = new Set(outcomes.map(({ partition }) => partition));
  return progress.partitions.filter(({ id }) => touched.has(id));
}

/** Outcomes that wait for locks when earlier chunks have tried some of them and found others `locked`. */
function waitingAfter(
  tried: readonly EvaluationOutcome[],
  locked: readonly EvaluationOutcome[],
  { waiting }: Progress,
): readonly EvaluationOutcome[] | undefined {
  const done = new Set(tried);
  return waiting && [...waiting().filter((outcome) => !done.has(outcome)), ...locked];
}

/** A chunk to commit. Only the last one names the outcomes of all chunks that wait for locks. */
interface CommitChunk extends Pick<EvaluationBatch, 'outcomes' | 'mark' | 'partitions'> {
  waiting: readonly EvaluationOutcome[] | undefined;
}

async function commitChunk(
  deps: CommitDeps,
  { outcomes: found, mark, partitions, waiting }: CommitChunk,
  progress: Progress,
): Promise<CommitResult | undefined> {
  const outcomes = progress.isWanted ? found.filter(progress.isWanted) : found;
  if (outcomes.length < found.length && outcomes.length === 0) return NOTHING_WANTED;
  if (!deps.mayCommit()) {
    deps.telemetry.transitionsFenced.inc({ reason: 'lease' }, outcomes.length);
    deps.log.warn('results dropped: the lease of this evaluator may have run out', { results: outcomes.length });
    return undefined;
  }
  const ids = partitions.map(({ id }) => id);
  const committed = new Set(ids);
  const staleBefore = new Date(progress.at.getTime() - deps.intervalMs);
  const { memberId, defaultPolicy, clock } = deps;
  try {
    const result = await deps.commit({
      memberId,
      partitions,
      outcomes,
      at: progress.at,
      now: clock.now(),
      mark,
      staleBefore,
      defaultPolicy,
      ...(waiting && { waiting: waiting.filter(({ partition }) => committed.has(partition)) }),
      onStatement: progress.onAdvance,
    });
    applyResult(deps, result, partitions);
    return result;
  } catch (thrown) {
    // The commit may have succeeded without its answer arriving: the memory is uncertain until it is read again.
    deps.cache.invalidate(ids);
    deps.onFailed();
    deps.log.warn('a commit failed or its answer was lost; its alarms are read again', {
      results: outcomes.length,
      err: toError(thrown),
    });
    return undefined;
  }
}

function applyResult(deps: CommitDeps, result: CommitResult, partitions: Progress['partitions']): void {
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

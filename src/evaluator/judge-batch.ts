import type { Decision, Verdict } from '../alarm/decide.js';
import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import { toError } from '../errors.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { BackendAnswers } from './send-requests.js';
import { backendOf, type Batch, type BatchPart, type EvaluateBatchDeps } from './batch.js';
import { countedState } from './count-results.js';
import type { HeldAlarm } from './held-alarm.js';
import { judgeAlarm, judgeWithoutBackends, type Judgement } from './judge.js';
import { failureReason, foundReason, outageReason } from './reason-outcomes.js';

/** The batch and the answers that it has so far, by the keys of the queries. */
export interface AnsweredBatch {
  answers: Pick<BackendAnswers, 'get'>;
  batch: Batch;
}

/** Judges alarms whose backends have answered, adds their outcomes to `part`, and counts the verdicts. */
export function judgeAll(
  deps: EvaluateBatchDeps,
  alarms: readonly HeldAlarm[],
  answered: AnsweredBatch,
  part: BatchPart,
): void {
  const verdicts = new Map<Verdict, number>();
  for (const alarm of alarms) {
    const verdict = judge(deps, alarm, answered, part);
    if (verdict !== undefined) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  for (const [verdict, count] of verdicts) deps.telemetry.evaluations.inc({ verdict }, count);
}

/** The outcome to store for a decision; null for `stay`, and for a repeat without actions. */
export function outcomeOf(alarm: HeldAlarm, decision: Decision): EvaluationOutcome | null {
  if (decision.kind === 'stay') return null;
  const [from, to] = decision.kind === 'transition' ? [decision.from, decision.to] : [decision.state, decision.state];
  if (decision.kind === 'repeat' && !alarm.statesWithActions.includes(to)) return null;
  return {
    alarmId: alarm.id,
    partition: alarm.partition,
    stateVersion: alarm.stateVersion,
    definitionVersion: alarm.definitionVersion,
    kind: decision.kind,
    from,
    to,
    reason: decision.reason,
    reasonData: decision.reasonData,
    ...(decision.series && { series: decision.series }),
  };
}

/** Judges one alarm and adds its outcomes to `part`. Undefined if there is no verdict. */
function judge(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { answers, batch }: AnsweredBatch,
  part: BatchPart,
): Verdict | undefined {
  const { now, isRetry } = batch;
  if (deps.quarantine.isQuarantined(alarm.id, now) || batch.isCurrent?.(alarm) === false) return undefined;
  try {
    const judgement = judgeAlarm(alarm, answers, now);
    if (judgement.evaluation.verdict === 'outage' && isOnlyUnsent(judgement)) {
      part.notSent += 1;
      if (!isRetry) keepTicket(deps, alarm, judgement, batch);
      return undefined;
    }
    deps.behind.evaluated(alarm);
    if (judgement.evaluation.verdict !== 'outage') {
      const isFirst = deps.outages.recordAnswered(alarm, batch);
      return recordVerdict(deps, alarm, { judgement, isFirst, mayRepeat: isFirst }, part);
    }
    const withoutBackends = deps.outages.recordUnavailable(alarm, batch)
      ? judgeWithoutBackends(alarm, judgement.answersInWindow, now)
      : judgement;
    // A request to another backend was not sent in time, so leaving out the unavailable backend gives no verdict
    // either.
    if (withoutBackends.evaluation.verdict === 'outage') {
      add(part, outageReason(alarm, judgement.answersInWindow));
      return undefined;
    }
    return recordVerdict(deps, alarm, { judgement: withoutBackends, isFirst: true, mayRepeat: !isRetry }, part);
  } catch (thrown) {
    deps.quarantine.failed(alarm.id, now, toError(thrown));
    add(part, failureReason(alarm));
    return undefined;
  }
}

/** True if only unsent requests keep the alarm from a verdict. */
function isOnlyUnsent({ answersInWindow }: Judgement<BackendAnswer>): boolean {
  const unknown = answersInWindow.filter((answer) => answer.kind === 'outage');
  return unknown.length > 0 && unknown.every(({ isUnsent }) => isUnsent === true);
}

function keepTicket(
  { behind, outages }: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { answersInWindow }: Judgement<BackendAnswer>,
  batch: Batch,
): void {
  const isUnavailable = (answer: BackendAnswer): boolean => answer.kind === 'outage';
  const backend = backendOf(alarm.needs[answersInWindow.findIndex(isUnavailable)] as SeriesNeed);
  const { now } = batch;
  outages.pauseGrace(alarm, now);
  behind.notSent(alarm, {
    now,
    lastMs: batch.lastMs?.(alarm.partition),
    backend,
    isPartial: !answersInWindow.every(isUnavailable),
  });
}

function add({ outcomes }: BatchPart, outcome: EvaluationOutcome | null): void {
  if (outcome) outcomes.push(outcome);
}

interface JudgedEvaluation {
  judgement: Judgement;
  /** True for the first result since the last scheduled evaluation, which is the one that is counted. */
  isFirst: boolean;
  /** False where another evaluation of the same interval repeats the actions. */
  mayRepeat: boolean;
}

function recordVerdict(
  deps: EvaluateBatchDeps,
  alarm: HeldAlarm,
  { judgement, isFirst, mayRepeat }: JudgedEvaluation,
  part: BatchPart,
): Verdict {
  const { evaluation, decision } = judgement;
  add(part, decision.kind === 'repeat' && !mayRepeat ? null : outcomeOf(alarm, decision));
  if (decision.kind !== 'transition') add(part, foundReason(alarm, evaluation));
  const state = deps.keepsResults && isFirst ? countedState(alarm.rule.type, evaluation.verdict) : undefined;
  if (state !== undefined) part.results.push({ alarmId: alarm.id, partition: alarm.partition, state });
  deps.quarantine.succeeded(alarm.id);
  return evaluation.verdict;
}

import { replacingReason } from '../alarm/decide.js';
import type { Evaluation } from '../alarm/decide.js';
import type { BackendAnswer } from '../alarm/series.js';
import { isProvisional, notEvaluated } from '../alarm/state-reason.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import type { ReasonOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { HeldAlarm } from './held-alarm.js';
import { unavailableText } from './judge.js';

/** The new `state_reason` of an alarm whose state stays; null if the shown one stays. */
export function foundReason(alarm: HeldAlarm, evaluation: Evaluation): ReasonOutcome | null {
  if (alarm.shownReason === null) return null;
  const reason = replacingReason(alarm, evaluation, evaluatedTypeOf(alarm.rule));
  // An evaluation of this definition has found the shown reason. From now on, reasons that differ only in numbers are
  // not written.
  if (reason === undefined) alarm.isReasonFound = true;
  return reason === undefined ? null : reasonOutcome(alarm, reason);
}

/** The reason of an alarm that was never evaluated, while its backends are unavailable. */
export function outageReason(alarm: HeldAlarm, answersInWindow: readonly BackendAnswer[]): ReasonOutcome | null {
  if (alarm.shownReason === null || !isProvisional(alarm.shownReason)) return null;
  const reasons = answersInWindow.flatMap((answer, index) =>
    answer.kind === 'outage' && !answer.isUnsent ? [unavailableText(alarm.needs[index]!, answer.reason)] : [],
  );
  return newReason(alarm, notEvaluated(reasons));
}

/** The reason of an alarm whose evaluation throws. */
export function failureReason(alarm: HeldAlarm): ReasonOutcome | null {
  return alarm.shownReason === null ? null : newReason(alarm, notEvaluated([FAILS]));
}

const FAILS = 'its evaluation fails, which is a fault of this service: see the log of the evaluator';

/** Null if the alarm already has this reason. */
export function newReason(alarm: HeldAlarm, reason: string): ReasonOutcome | null {
  return alarm.shownReason === reason ? null : reasonOutcome(alarm, reason);
}

function reasonOutcome({ id, partition, stateVersion, definitionVersion }: HeldAlarm, reason: string): ReasonOutcome {
  return { kind: 'reason', alarmId: id, partition, stateVersion, definitionVersion, reason };
}

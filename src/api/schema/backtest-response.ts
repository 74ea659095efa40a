import { scrubAction } from '../../alarm/action.js';
import type { PythonValue } from '../../alarm/wire/python-json.js';
import type { BacktestSummary, BacktestTransition } from '../../evaluator/backtest.js';
import { isoTimestamp } from './timestamp.js';

/** One transition of a backtest as JSON. */
export function backtestTransitionResponse({ at, from, to, reason, actions }: BacktestTransition): PythonValue {
  return { at: isoTimestamp(at), from, to, reason, notifications: actions.map(scrubAction) };
}

/** The members of a backtest's answer that follow the list of transitions. */
export function backtestEndResponse(summary: BacktestSummary): Readonly<Record<string, PythonValue>> {
  return {
    repeats: summary.repeats,
    summary: {
      evaluations: summary.evaluations,
      time_in_state: { ...summary.secondsInState },
      notifications: summary.notifications,
      unanswered: summary.unanswered,
      unknown_reason: summary.unknownReason,
      outside_time_constraints: summary.outsideTimeConstraints,
    },
  };
}

import { z } from 'zod';

import { scrubAction } from '../../alarm/action-text.js';
import { ALARM_STATES } from '../../alarm/state.js';
import type { BacktestSummary, BacktestTransition } from '../../evaluator/backtest.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { NullableText } from './answer-fields.js';

const State = z.enum(ALARM_STATES);

/** The result of a backtest. */
export const BacktestAnswer = z
  .strictObject({
    transitions: z.array(
      z.strictObject({
        at: z.string(),
        from: State,
        to: State,
        reason: z.string(),
        notifications: z.array(z.string()),
      }),
    ),
    repeats: z.int(),
    summary: z.strictObject({
      evaluations: z.int(),
      time_in_state: z.strictObject({ ok: z.number(), alarm: z.number(), 'insufficient data': z.number() }),
      notifications: z.int(),
      unanswered: z.int(),
      unknown_reason: NullableText,
      outside_time_constraints: z.int(),
    }),
  })
  .meta({ id: 'Backtest', description: 'Transitions of the draft. Streamed; the summary comes last.' });
export type BacktestAnswer = z.infer<typeof BacktestAnswer>;

/** One member of the list of transitions. */
export function backtestTransition({
  at,
  from,
  to,
  reason,
  actions,
}: BacktestTransition): BacktestAnswer['transitions'][number] {
  return { at: isoTimestamp(at), from, to, reason, notifications: actions.map(scrubAction) };
}

/** The members that follow the list of transitions. */
export function backtestEnd(summary: BacktestSummary): Omit<BacktestAnswer, 'transitions'> {
  return {
    repeats: summary.repeats,
    summary: {
      evaluations: summary.evaluations,
      time_in_state: summary.secondsInState,
      notifications: summary.notifications,
      unanswered: summary.unanswered,
      unknown_reason: summary.unknownReason,
      outside_time_constraints: summary.outsideTimeConstraints,
    },
  };
}

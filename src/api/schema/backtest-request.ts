import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { optional, wireEnum, wireInt } from '../../alarm/wire/wire-types.js';
import { AlarmRequest } from './alarm-request.js';
import { mandatoryTimestamp } from './timestamp.js';

/** Longest time between two evaluations, in seconds. */
export const MAX_STEP_S = 365 * 24 * 3600;

/** The body of a backtest, and of a request for values: an alarm as POST takes it, and the time span of evaluations. */
export const BacktestRequest = z.strictObject({
  alarm: AlarmRequest,
  start: mandatoryTimestamp(),
  stop: mandatoryTimestamp(),
  /** Seconds between two evaluations; `evaluator.interval` without it. */
  step: optional<number | null>(wireInt({ min: 1, max: MAX_STEP_S }), null),
  initial_state: optional(wireEnum(ALARM_STATES), 'insufficient data'),
});
export type BacktestRequest = z.infer<typeof BacktestRequest>;

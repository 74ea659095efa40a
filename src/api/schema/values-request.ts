import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { optional, wireEnum, wireInt, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { AlarmRequest } from './alarm-request.js';
import { MAX_STEP_S } from './backtest-request.js';
import { mandatoryTimestamp } from './timestamp.js';

/** Most alarms in one request for latest values: the rows that a page shows at once. */
export const MAX_IDS = 100;

/** The body of a request for the values of a draft. */
export const ValuesRequest = z.strictObject({
  alarm: AlarmRequest,
  start: mandatoryTimestamp(),
  stop: mandatoryTimestamp(),
  /** Seconds between two evaluations; `evaluator.interval` without it. */
  step: optional<number | null>(wireInt({ min: 1, max: MAX_STEP_S }), null),
  initial_state: optional(wireEnum(ALARM_STATES), 'insufficient data'),
});
export type ValuesRequest = z.infer<typeof ValuesRequest>;

/** The body of a request for the latest values of some alarms. */
export const LatestValuesRequest = z.strictObject({ ids: wireList(wireText({ max: 255 }), { max: MAX_IDS }) });
export type LatestValuesRequest = z.infer<typeof LatestValuesRequest>;

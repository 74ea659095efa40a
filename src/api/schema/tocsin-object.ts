import { z } from 'zod';

import { DELIVERY_POLICIES, type Alarm } from '../../alarm/alarm.js';
import { MISSING_DATA_TREATMENTS, type EvaluationOptions } from '../../alarm/evaluation-options.js';
import { PythonFloat, type PythonValue } from '../../alarm/python-json.js';
import { given, wireBool, wireEnum, wireFloat, wireInt, wireText } from '../../alarm/wire-types.js';

/** Most datapoints that a rule can look at. */
const MAX_PERIODS = 100;
const DAY_S = 24 * 3600;
const MAX_BACKEND_NAME = 64;

/** The `tocsin` object of an alarm in a request. What it says of `muted` is read and not used: clients send back what they have read. */
export const TocsinRequest = z.strictObject({
  delivery_policy: given(wireEnum(DELIVERY_POLICIES)),
  datapoints_to_alarm: given(wireInt({ min: 1, max: MAX_PERIODS })),
  treat_missing_data: given(wireEnum(MISSING_DATA_TREATMENTS)),
  clear_threshold: given(wireFloat()),
  ingestion_lag: given(wireInt({ min: 0, max: DAY_S })),
  backend: given(wireText({ max: MAX_BACKEND_NAME })),
  muted: given(wireBool()),
});
export type TocsinRequest = z.infer<typeof TocsinRequest>;

/** The `tocsin` object of an alarm in an answer. */
export const TocsinAnswer = z.strictObject({
  delivery_policy: z.enum(DELIVERY_POLICIES).optional().meta({
    description: 'What becomes of a notification that a newer transition has overtaken.',
  }),
  datapoints_to_alarm: z.int().min(1).max(MAX_PERIODS).optional().meta({
    description: 'In alarm as soon as so many of the last evaluation_periods datapoints are outside the threshold.',
  }),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional().meta({
    description: 'What a missing datapoint counts as; ignore: the alarm keeps its state.',
  }),
  clear_threshold: z.number().optional().meta({ description: 'Compared with instead of the threshold while in alarm.' }),
  ingestion_lag: z.int().min(0).max(DAY_S).optional().meta({
    description: 'Seconds by which the window ends before the moment of evaluation.',
  }),
  backend: z.string().optional().meta({ description: 'Name of a configured backend; the default one if not set.' }),
  muted: z.literal(true).optional().meta({ description: 'Evaluated, but its actions are not run.' }),
});

/** What a request says of the evaluation; null when that is nothing. */
export function evaluationOptionsIn(tocsin: TocsinRequest | null | undefined): EvaluationOptions | null {
  const { datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend } = tocsin ?? {};
  const said = Object.entries({ datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend }).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return said.length === 0 ? null : Object.fromEntries(said);
}

/** Undefined where nothing is set, so that an alarm of an Aodh client looks as it does there. */
export function tocsinObject({ deliveryPolicy, evaluationOptions }: Alarm, more: { muted?: true } = {}): PythonValue {
  const { datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend } = evaluationOptions ?? {};
  const members = {
    delivery_policy: deliveryPolicy ?? undefined,
    datapoints_to_alarm,
    treat_missing_data,
    clear_threshold: clear_threshold === undefined ? undefined : new PythonFloat(clear_threshold),
    ingestion_lag,
    backend,
    ...more,
  };
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}

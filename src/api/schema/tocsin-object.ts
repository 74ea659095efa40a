import { z } from 'zod';

import { DELIVERY_POLICIES, type Alarm } from '../../alarm/alarm.js';
import {
  MISSING_DATA_TREATMENTS,
  NO_OPTIONS,
  OPTION_FIELDS,
  OPTION_LIMITS,
  shownOptions,
} from '../../alarm/evaluation-options.js';
import type { PythonValue } from '../../alarm/wire/python-json.js';
import { given, wireBool, wireEnum } from '../../alarm/wire/wire-types.js';

/**
 * The `tocsin` object of an alarm in a request. `muted` must equal the alarm's value: clients send back the fields that
 * they read.
 */
export const TocsinRequest = z.strictObject({
  delivery_policy: given(wireEnum(DELIVERY_POLICIES)),
  ...OPTION_FIELDS,
  muted: given(wireBool()),
});
export type TocsinRequest = z.infer<typeof TocsinRequest>;

/** The `tocsin` object of an alarm in an answer. */
export const TocsinAnswer = z.strictObject({
  delivery_policy: z.enum(DELIVERY_POLICIES).optional().meta({
    description: 'Whether a notification is still delivered after a newer transition. Default: every for event alarms.',
  }),
  datapoints_to_alarm: z.int().min(1).max(OPTION_LIMITS.periods).optional().meta({
    description: 'In alarm as soon as so many of the last evaluation_periods datapoints are outside the threshold.',
  }),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional().meta({
    description: 'What a missing datapoint counts as; ignore: the alarm keeps its state.',
  }),
  clear_threshold: z
    .number()
    .optional()
    .meta({ description: 'Compared with instead of the threshold while in alarm.' }),
  ingestion_lag: z.int().min(0).max(OPTION_LIMITS.lagS).optional().meta({
    description: 'Seconds by which the window ends before the moment of evaluation.',
  }),
  backend: z.string().optional().meta({ description: 'Name of a configured backend; the default one if not set.' }),
  muted: z.literal(true).optional().meta({ description: 'Evaluated, but its actions are not run.' }),
});

/** Undefined where nothing is set, so that an alarm of an Aodh client looks as it does there. */
export function tocsinObject({ deliveryPolicy, evaluationOptions }: Alarm, more: { muted?: true } = {}): PythonValue {
  const members = {
    delivery_policy: deliveryPolicy ?? undefined,
    ...shownOptions(evaluationOptions ?? NO_OPTIONS),
    ...more,
  };
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}

import { z } from 'zod';

import { DELIVERY_POLICIES, type Alarm } from '../../alarm/alarm.js';
import {
  MISSING_DATA_TREATMENTS,
  NO_OPTIONS,
  OPTION_FIELDS,
  OPTION_LIMITS,
  shownOptions,
} from '../../alarm/evaluation-options.js';
import { Float } from '../answers/answer-fields.js';
import { given, wireBool, wireEnum } from '../../alarm/wire/wire-types.js';

/**
 * Schema of the `tocsin` object of an alarm in a request. Clients send back the fields that they read, so `muted` may
 * be there; it must equal the alarm's value.
 */
export const TocsinRequest = z.strictObject({
  delivery_policy: given(wireEnum(DELIVERY_POLICIES)).meta({
    title: 'Delivery policy',
    description:
      'current: a newer transition supersedes a notification that still waits. every: each one is delivered.',
  }),
  ...OPTION_FIELDS,
  muted: given(wireBool()).meta({ readOnly: true, description: 'Set by imports. It must equal the stored value.' }),
});
export type TocsinRequest = z.infer<typeof TocsinRequest>;

/** The request that keeps an alarm's fields which only Tocsin has. Its evaluation options are kept apart from it. */
export function keptTocsinRequest({ deliveryPolicy }: Alarm): TocsinRequest {
  return TocsinRequest.parse({ delivery_policy: deliveryPolicy });
}

/** Schema of the `tocsin` object of an alarm in an answer. */
export const TocsinAnswer = z.strictObject({
  delivery_policy: z
    .enum(DELIVERY_POLICIES)
    .optional()
    .meta({
      description:
        'Whether a notification is delivered after a newer transition: every or ' +
        'current. Default: every for event alarms, otherwise notifier.policy.',
    }),
  datapoints_to_alarm: z
    .int()
    .min(1)
    .max(OPTION_LIMITS.periods)
    .optional()
    .meta({
      description:
        'Number of datapoints, among the last evaluation_periods ones, that ' +
        'must be outside the threshold for the state alarm.',
    }),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional().meta({
    description: 'State that a missing datapoint counts as; ignore: the alarm keeps its state.',
  }),
  clear_threshold: Float.optional().meta({
    description: 'Threshold while the alarm is in state alarm, for hysteresis.',
  }),
  ingestion_lag: z.int().min(0).max(OPTION_LIMITS.lagS).optional().meta({
    description: 'Seconds between the end of the window and the evaluation, for data that arrives late.',
  }),
  backend: z
    .string()
    .optional()
    .meta({ description: 'Name of a configured backend. Default: the one without a name.' }),
  muted: z.literal(true).optional().meta({ description: 'The alarm is evaluated and its actions are not run.' }),
});
export type TocsinAnswer = z.infer<typeof TocsinAnswer>;

/** The `tocsin` object of an alarm; undefined if it would be empty, so that Aodh's alarms look as in Aodh. */
export function tocsinObject(
  { deliveryPolicy, evaluationOptions }: Alarm,
  more: { muted?: true } = {},
): TocsinAnswer | undefined {
  const members: TocsinAnswer = {
    delivery_policy: deliveryPolicy ?? undefined,
    ...shownOptions(evaluationOptions ?? NO_OPTIONS),
    ...more,
  };
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}

import { z } from 'zod';

import { optional, wireEnum, wireList, wireText } from '../../wire/wire-types.js';

/**
 * Aodh's legacy `combination_rule`: `and` or `or` over the states of other alarms. Of duplicate ids the first is kept.
 */
export const CombinationRule = z
  .strictObject({
    operator: optional(wireEnum(['and', 'or']), 'and').meta({
      title: 'Operator',
      description: 'and: fires while all of the alarms are in alarm. or: while at least one is.',
    }),
    alarm_ids: wireList(wireText({ max: 128 }).meta({ 'x-id-of': 'alarm' }), { max: 1000 })
      .transform((ids) => [...new Set(ids)])
      .meta({ title: 'Alarms', description: 'At least two.' }),
  })
  .superRefine(({ alarm_ids }, context) => {
    if (alarm_ids.length >= 2) return;
    const message = 'Alarm combination rule should contain at least two different alarm ids.';
    context.addIssue({ code: 'custom', message, path: ['alarm_ids'], params: { whole: true } });
  })
  .transform((rule) => ({ type: 'combination' as const, ...rule }))
  .meta({ title: 'Combination', description: 'Follows the states of other alarms.' });
export type CombinationRule = z.infer<typeof CombinationRule>;

import { z } from 'zod';

import { optional, wireEnum, wireList, wireText } from '../../wire/wire-types.js';

/**
 * Aodh's legacy `combination_rule`: `and` or `or` over the states of other alarms. Of duplicate ids the first is kept.
 */
export const CombinationRule = z
  .strictObject({
    operator: optional(wireEnum(['and', 'or']), 'and'),
    alarm_ids: wireList(wireText({ max: 128 }), { max: 1000 }).transform((ids) => [...new Set(ids)]),
  })
  .superRefine(({ alarm_ids }, context) => {
    if (alarm_ids.length >= 2) return;
    const message = 'Alarm combination rule should contain at least two different alarm ids.';
    context.addIssue({ code: 'custom', message, path: ['alarm_ids'], params: { whole: true } });
  })
  .transform((rule) => ({ type: 'combination' as const, ...rule }));
export type CombinationRule = z.infer<typeof CombinationRule>;

import { z } from 'zod';

import { optional, wireEnum, wireFloat, wireText } from '../../wire-types.js';
import { COMPARISON_OPERATORS } from '../threshold/schema.js';

/** A PromQL query against a threshold. The project that its answer is narrowed to is ours to say, so clients cannot send it. */
export const PrometheusRule = z
  .strictObject({
    comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq'),
    threshold: wireFloat(),
    query: wireText({ max: 4_096 }),
  })
  .transform((rule) => ({ type: 'prometheus' as const, ...rule, scope_to_project: null as string | null }));
export type PrometheusRule = z.infer<typeof PrometheusRule>;

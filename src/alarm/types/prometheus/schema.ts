import { z } from 'zod';

import { optional, wireEnum, wireFloat, wireInt, wireText } from '../../wire/wire-types.js';
import { COMPARISON_OPERATORS, type ComparisonOperator } from '../threshold/schema.js';

const MAX_GRANULARITY_S = 365 * 24 * 3600;

/**
 * A PromQL query against a threshold. As in Aodh it is an instant query; with `granularity` or `evaluation_periods` it
 * is a range query with that step and number of points. The server sets the project that the answer is limited to, so
 * clients cannot send it.
 */
export const PrometheusRule = z
  .strictObject({
    comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq'),
    threshold: wireFloat(),
    query: wireText({ max: 4_096 }),
    evaluation_periods: optional(wireInt({ min: 1, max: 100 }), undefined),
    granularity: optional(wireInt({ min: 1, max: MAX_GRANULARITY_S }), undefined),
  })
  .transform(({ evaluation_periods, granularity, ...rule }): PrometheusRule => ({
    type: 'prometheus',
    ...rule,
    ...(evaluation_periods === undefined ? {} : { evaluation_periods }),
    ...(granularity === undefined ? {} : { granularity }),
    scope_to_project: null,
  }));
export interface PrometheusRule {
  type: 'prometheus';
  comparison_operator: ComparisonOperator;
  threshold: number;
  query: string;
  evaluation_periods?: number;
  granularity?: number;
  /** Null means all projects. */
  scope_to_project: string | null;
}

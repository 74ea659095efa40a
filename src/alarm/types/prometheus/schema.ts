import { z } from 'zod';

import { optional, wireEnum, wireFloat, wireInt, wireText } from '../../wire/wire-types.js';
import { COMPARISON_WORDS, GRANULARITY_WORDS, PERIODS_WORDS, THRESHOLD_WORDS } from '../field-words.js';
import { COMPARISON_OPERATORS, type ComparisonOperator } from '../threshold/schema.js';

const MAX_GRANULARITY_S = 365 * 24 * 3600;

/**
 * A PromQL query against a threshold. As in Aodh it is an instant query; with `granularity` or `evaluation_periods` it
 * is a range query with that step and number of points. The server sets the project that the answer is limited to, so
 * clients cannot send it.
 */
export const PrometheusRule = z
  .strictObject({
    comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq').meta(COMPARISON_WORDS),
    threshold: wireFloat().meta(THRESHOLD_WORDS),
    query: wireText({ max: 4_096 }).meta({
      title: 'Query',
      description: 'In PromQL, without a comparison, such as rate(node_cpu_seconds_total[5m]).',
    }),
    evaluation_periods: optional(wireInt({ min: 1, max: 100 }), undefined).meta({
      ...PERIODS_WORDS,
      description: 'Number of the last datapoints that are compared. Without it and a granularity: the present value.',
    }),
    granularity: optional(wireInt({ min: 1, max: MAX_GRANULARITY_S }), undefined).meta(GRANULARITY_WORDS),
  })
  .transform(({ evaluation_periods, granularity, ...rule }): PrometheusRule => ({
    type: 'prometheus',
    ...rule,
    ...(evaluation_periods === undefined ? {} : { evaluation_periods }),
    ...(granularity === undefined ? {} : { granularity }),
    scope_to_project: null,
  }))
  .meta({ title: 'Prometheus', description: 'Compares each series of a PromQL query with a threshold.' });
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

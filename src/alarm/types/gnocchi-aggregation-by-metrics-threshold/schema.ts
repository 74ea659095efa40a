import { z } from 'zod';

import { wireList, wireText } from '../../wire/wire-types.js';
import { GNOCCHI_THRESHOLD_FIELDS, MAX_NAME, type ProjectScope } from '../gnocchi-threshold.js';

/** An aggregate over metrics that are given by id. */
export const GnocchiAggregationByMetricsThresholdRule = z
  .strictObject({
    metrics: wireList(wireText({ max: MAX_NAME }), { max: 50 }).meta({
      title: 'Metrics',
      description: 'Ids of metrics.',
    }),
    ...GNOCCHI_THRESHOLD_FIELDS,
  })
  .transform((rule): typeof rule & ProjectScope & { type: 'gnocchi_aggregation_by_metrics_threshold' } => ({
    type: 'gnocchi_aggregation_by_metrics_threshold',
    ...rule,
    scope_to_project: null,
  }))
  .meta({
    title: 'Gnocchi: several metrics',
    description: 'Compares an aggregate over metrics that you name with a threshold.',
  });
export type GnocchiAggregationByMetricsThresholdRule = z.infer<typeof GnocchiAggregationByMetricsThresholdRule>;

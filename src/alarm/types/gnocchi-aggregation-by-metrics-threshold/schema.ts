import { z } from 'zod';

import { wireList, wireText } from '../../wire-types.js';
import { GNOCCHI_THRESHOLD_FIELDS, MAX_NAME } from '../gnocchi-threshold.js';

/** An aggregate over metrics named by id. */
export const GnocchiAggregationByMetricsThresholdRule = z
  .strictObject({
    metrics: wireList(wireText({ max: MAX_NAME }), { max: 50 }),
    ...GNOCCHI_THRESHOLD_FIELDS,
  })
  .transform((rule) => ({ type: 'gnocchi_aggregation_by_metrics_threshold' as const, ...rule }));
export type GnocchiAggregationByMetricsThresholdRule = z.infer<typeof GnocchiAggregationByMetricsThresholdRule>;

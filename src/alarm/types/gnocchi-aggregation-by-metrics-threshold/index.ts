import type { AlarmKindDefinition } from '../alarm-type.js';
import { gnocchiThreshold } from '../gnocchi-threshold.js';
import { GnocchiAggregationByMetricsThresholdRule } from './schema.js';

export const gnocchiAggregationByMetricsThreshold: AlarmKindDefinition<GnocchiAggregationByMetricsThresholdRule> = {
  ...gnocchiThreshold,
  schema: GnocchiAggregationByMetricsThresholdRule,
  scopedTo: (rule) => rule,
};

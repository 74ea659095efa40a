import type { AlarmType } from '../alarm-type.js';
import { gnocchiNeed, gnocchiThreshold, NO_SUCH_PROJECT } from '../gnocchi-threshold.js';
import { shownThresholdJson } from '../threshold-json.js';
import type { ThresholdFindings } from '../threshold-judgement.js';
import { GnocchiAggregationByMetricsThresholdRule } from './schema.js';

export const gnocchiAggregationByMetricsThreshold: AlarmType<
  GnocchiAggregationByMetricsThresholdRule,
  ThresholdFindings
> = {
  ...gnocchiThreshold,
  schema: GnocchiAggregationByMetricsThresholdRule,
  shownJson: shownThresholdJson,
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  seriesNeeded: (rule, options) => {
    const { metrics, aggregation_method: method, scope_to_project: project = NO_SUCH_PROJECT } = rule;
    return [gnocchiNeed(rule, { kind: 'metrics', metrics, method, project }, options)];
  },
};

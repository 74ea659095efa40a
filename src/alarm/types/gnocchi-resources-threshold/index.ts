import type { AlarmType } from '../alarm-type.js';
import { gnocchiNeed, gnocchiThreshold, NO_SUCH_PROJECT } from '../gnocchi-threshold.js';
import { shownThresholdJson } from '../threshold-json.js';
import type { ThresholdFindings } from '../threshold-judgement.js';
import { GnocchiResourcesThresholdRule } from './schema.js';

export const gnocchiResourcesThreshold: AlarmType<GnocchiResourcesThresholdRule, ThresholdFindings> = {
  ...gnocchiThreshold,
  schema: GnocchiResourcesThresholdRule,
  shownJson: shownThresholdJson,
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  seriesNeeded: (rule, options) => {
    const {
      resource_id: resourceId,
      metric,
      aggregation_method: method,
      scope_to_project: project = NO_SUCH_PROJECT,
    } = rule;
    return [gnocchiNeed(rule, { kind: 'resource', resourceId, metric, method, project }, options)];
  },
};

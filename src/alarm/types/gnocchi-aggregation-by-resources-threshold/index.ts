import type { AlarmType } from '../alarm-type.js';
import { gnocchiNeed, gnocchiThreshold } from '../gnocchi-threshold.js';
import type { ThresholdFindings } from '../threshold-judgement.js';
import { askedSearch, narrowedTo } from './project-condition.js';
import { GnocchiAggregationByResourcesThresholdRule } from './schema.js';

export const gnocchiAggregationByResourcesThreshold: AlarmType<
  GnocchiAggregationByResourcesThresholdRule,
  ThresholdFindings
> = {
  ...gnocchiThreshold,
  schema: GnocchiAggregationByResourcesThresholdRule,
  scopedTo: (rule, { projectId, externalOwner }) =>
    projectId === null ? rule : { ...rule, query: narrowedTo(rule.query, projectId, externalOwner) },
  seriesNeeded: (rule, options) => {
    const { query, resource_type: resourceType, metric, aggregation_method: method } = rule;
    const search = askedSearch(query);
    return [gnocchiNeed(rule, { kind: 'resources', search, resourceType, metric, method }, options)];
  },
};

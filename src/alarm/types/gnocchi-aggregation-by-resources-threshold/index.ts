import type { AlarmKindDefinition } from '../alarm-type.js';
import { gnocchiThreshold } from '../gnocchi-threshold.js';
import { narrowedTo } from './project-condition.js';
import { GnocchiAggregationByResourcesThresholdRule } from './schema.js';

export const gnocchiAggregationByResourcesThreshold: AlarmKindDefinition<GnocchiAggregationByResourcesThresholdRule> = {
  ...gnocchiThreshold,
  schema: GnocchiAggregationByResourcesThresholdRule,
  scopedTo: (rule, { projectId, externalOwner }) =>
    projectId === null ? rule : { ...rule, query: narrowedTo(rule.query, projectId, externalOwner) },
};

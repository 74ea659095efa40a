import type { AlarmKindDefinition } from '../alarm-type.js';
import { gnocchiThreshold } from '../gnocchi-threshold.js';
import { GnocchiResourcesThresholdRule } from './schema.js';

export const gnocchiResourcesThreshold: AlarmKindDefinition<GnocchiResourcesThresholdRule> = {
  ...gnocchiThreshold,
  schema: GnocchiResourcesThresholdRule,
  scopedTo: (rule) => rule,
};

import { z } from 'zod';

import { wireText } from '../../wire/wire-types.js';
import {
  GNOCCHI_THRESHOLD_FIELDS,
  MAX_NAME,
  METRIC_WORDS,
  RESOURCE_TYPE_WORDS,
  type ProjectScope,
} from '../gnocchi-threshold.js';

/** One metric of one resource, by name. It need not exist when the alarm is created. */
export const GnocchiResourcesThresholdRule = z
  .strictObject({
    metric: wireText({ max: MAX_NAME }).meta(METRIC_WORDS),
    resource_id: wireText({ max: MAX_NAME }).meta({ title: 'Resource', description: 'Id of the resource.' }),
    resource_type: wireText({ max: MAX_NAME }).meta(RESOURCE_TYPE_WORDS),
    ...GNOCCHI_THRESHOLD_FIELDS,
  })
  .transform((rule): typeof rule & ProjectScope & { type: 'gnocchi_resources_threshold' } => ({
    type: 'gnocchi_resources_threshold',
    ...rule,
    scope_to_project: null,
  }))
  .meta({ title: 'Gnocchi: one resource', description: 'Compares a metric of one resource with a threshold.' });
export type GnocchiResourcesThresholdRule = z.infer<typeof GnocchiResourcesThresholdRule>;

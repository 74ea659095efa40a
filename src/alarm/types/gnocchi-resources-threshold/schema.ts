import { z } from 'zod';

import { wireText } from '../../wire/wire-types.js';
import { GNOCCHI_THRESHOLD_FIELDS, MAX_NAME, type ProjectScope } from '../gnocchi-threshold.js';

/** One metric of one resource, by name. It need not exist when the alarm is created. */
export const GnocchiResourcesThresholdRule = z
  .strictObject({
    metric: wireText({ max: MAX_NAME }),
    resource_id: wireText({ max: MAX_NAME }),
    resource_type: wireText({ max: MAX_NAME }),
    ...GNOCCHI_THRESHOLD_FIELDS,
  })
  .transform((rule): typeof rule & ProjectScope & { type: 'gnocchi_resources_threshold' } => ({
    type: 'gnocchi_resources_threshold',
    ...rule,
    scope_to_project: null,
  }));
export type GnocchiResourcesThresholdRule = z.infer<typeof GnocchiResourcesThresholdRule>;

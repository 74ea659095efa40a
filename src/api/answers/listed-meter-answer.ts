import { z } from 'zod';

import type { ListedMeter, ListedResource } from '../../storage/meters/listed-meter.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

const NEXT = NullableText.meta({
  description: 'The cursor of the next page; null if there is none. A page can be empty although another one follows.',
});

const ListedMeterAnswer = z
  .strictObject({
    name: z.string(),
    type: z.string().meta({ description: 'The type of the newest sample: gauge, delta or cumulative.' }),
    unit: z.string().meta({ description: 'The unit of the newest sample.' }),
    resources: z.int().meta({ description: 'Resources that have the meter; at most 1,000 are counted.' }),
    is_complete: z.boolean().meta({
      description: 'False if not all resources were counted. Type, unit and time are then those of the counted ones.',
    }),
    last_sample_at: UtcTimestamp,
  })
  .meta({ id: 'ListedMeter' });

/** One page of meters. */
export const ListedMetersAnswer = z
  .strictObject({ meters: z.array(ListedMeterAnswer), next: NEXT })
  .meta({ id: 'ListedMeters' });
export type ListedMetersAnswer = z.infer<typeof ListedMetersAnswer>;

const ListedResourceAnswer = z
  .strictObject({
    resource_id: z.string(),
    project_id: NullableText,
    user_id: NullableText.meta({ description: 'The user of the newest sample.' }),
    source: z.string(),
    meters: z.array(z.string()).meta({ description: 'The names of its meters that match; the first 20.' }),
    meter_count: z.int().meta({ description: 'Meters that match the filter.' }),
    is_complete: z.boolean().meta({ description: 'False if it has more meters than were counted.' }),
    last_sample_at: UtcTimestamp,
  })
  .meta({ id: 'ListedResource' });

/** One page of resources. */
export const ListedResourcesAnswer = z
  .strictObject({ resources: z.array(ListedResourceAnswer), next: NEXT })
  .meta({ id: 'ListedResources' });
export type ListedResourcesAnswer = z.infer<typeof ListedResourcesAnswer>;

/** A meter as lists show it. */
export function listedMeterAnswer(meter: ListedMeter): ListedMetersAnswer['meters'][number] {
  return {
    name: meter.name,
    type: meter.type,
    unit: meter.unit,
    resources: meter.resources,
    is_complete: meter.isComplete,
    last_sample_at: utcTimestamp(meter.lastSampleAt),
  };
}

/** A resource as lists show it. */
export function listedResourceAnswer(resource: ListedResource): ListedResourcesAnswer['resources'][number] {
  return {
    resource_id: resource.resourceId,
    project_id: resource.projectId,
    user_id: resource.userId,
    source: resource.source,
    meters: resource.meters,
    meter_count: resource.meterCount,
    is_complete: resource.isComplete,
    last_sample_at: utcTimestamp(resource.lastSampleAt),
  };
}

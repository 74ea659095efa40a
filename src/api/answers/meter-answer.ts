import { z } from 'zod';

import { PythonFloat } from '../../alarm/wire/python-json.js';
import type { Meter, Resource } from '../../storage/meters/resource-list.js';
import type { Sample } from '../../storage/meters/sample-store.js';
import type { Statistics } from '../../storage/meters/statistics-store.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { AnyObject, Float, NullableText, Timestamp } from './answer-fields.js';

/** A sample. */
export const SampleAnswer = z
  .strictObject({
    source: z.string(),
    counter_name: z.string(),
    counter_type: z.string(),
    counter_unit: z.string(),
    counter_volume: Float,
    user_id: NullableText,
    project_id: NullableText,
    resource_id: z.string(),
    timestamp: Timestamp,
    recorded_at: Timestamp,
    resource_metadata: AnyObject,
    message_id: z.string(),
  })
  .meta({ id: 'Sample' });
export type SampleAnswer = z.infer<typeof SampleAnswer>;

/** A meter. */
export const MeterAnswer = z.strictObject({
  name: z.string(),
  type: z.string(),
  unit: z.string(),
  resource_id: z.string(),
  project_id: NullableText,
  user_id: NullableText,
  source: z.string(),
  meter_id: z.string(),
});
export type MeterAnswer = z.infer<typeof MeterAnswer>;

/** A resource with samples. */
export const ResourceAnswer = z
  .strictObject({
    resource_id: z.string(),
    project_id: NullableText,
    user_id: NullableText,
    source: z.string(),
    first_sample_timestamp: Timestamp,
    last_sample_timestamp: Timestamp,
    metadata: AnyObject,
    links: z.array(z.strictObject({ href: z.string(), rel: z.string() })),
  })
  .meta({ id: 'Resource' });
export type ResourceAnswer = z.infer<typeof ResourceAnswer>;

/** Statistics of one period and group. */
export const StatisticsAnswer = z.strictObject({
  avg: Float,
  count: z.int(),
  duration: Float,
  duration_start: Timestamp,
  duration_end: Timestamp,
  groupby: z.record(z.string(), NullableText).nullable(),
  max: Float,
  min: Float,
  stddev: Float.nullable(),
  sum: Float.nullable().meta({ description: 'Null if it is beyond the range of floats.' }),
  unit: NullableText,
  period: z.int(),
  period_start: Timestamp,
  period_end: Timestamp,
});
export type StatisticsAnswer = z.infer<typeof StatisticsAnswer>;

/** A sample, in Ceilometer's form. */
export function sampleAnswer(sample: Sample): SampleAnswer {
  return {
    source: sample.source,
    counter_name: sample.meter,
    counter_type: sample.type,
    counter_unit: sample.unit,
    counter_volume: new PythonFloat(sample.volume),
    user_id: sample.userId,
    project_id: sample.projectId,
    resource_id: sample.resourceId,
    timestamp: isoTimestamp(sample.timestamp),
    recorded_at: isoTimestamp(sample.recordedAt),
    resource_metadata: sample.resourceMetadata as SampleAnswer['resource_metadata'],
    message_id: sample.messageId,
  };
}

/** A meter, in Ceilometer's form. */
export function meterAnswer(meter: Meter): MeterAnswer {
  return {
    name: meter.name,
    type: meter.type,
    unit: meter.unit,
    resource_id: meter.resourceId,
    project_id: meter.projectId,
    user_id: meter.userId,
    source: meter.source,
    meter_id: Buffer.from(`${meter.resourceId}+${meter.name}`).toString('base64'),
  };
}

/** A resource, in Ceilometer's form. `origin` is scheme and host of the API as the client addresses it. */
export function resourceAnswer(resource: Resource, origin: string): ResourceAnswer {
  const link = (rel: string, path: string): ResourceAnswer['links'][number] => ({ href: `${origin}${path}`, rel });
  const id = encodeURIComponent(resource.resourceId);
  return {
    resource_id: resource.resourceId,
    project_id: resource.projectId,
    user_id: resource.userId,
    source: resource.source,
    first_sample_timestamp: isoTimestamp(resource.firstSampleAt),
    last_sample_timestamp: isoTimestamp(resource.lastSampleAt),
    metadata: resource.metadata as ResourceAnswer['metadata'],
    links: [
      link('self', `/v2/resources/${id}`),
      ...resource.meters.map((meter) =>
        link(meter, `/v2/meters/${encodeURIComponent(meter)}?q.field=resource_id&q.value=${id}`),
      ),
    ],
  };
}

/** Statistics of a meter, in Ceilometer's form. */
export function statisticsAnswer(found: Statistics, periodS: number): StatisticsAnswer {
  const float = (value: number): PythonFloat => new PythonFloat(value);
  return {
    avg: float(found.avg),
    count: found.count,
    duration: float((found.lastAt.getTime() - found.firstAt.getTime()) / 1000),
    duration_start: isoTimestamp(found.firstAt),
    duration_end: isoTimestamp(found.lastAt),
    groupby: Object.keys(found.group).length > 0 ? found.group : null,
    max: float(found.max),
    min: float(found.min),
    stddev: float(found.stddev),
    sum: float(found.sum),
    unit: found.unit,
    period: periodS,
    period_start: isoTimestamp(found.periodStart),
    period_end: isoTimestamp(found.periodEnd),
  };
}

import { PythonFloat, type PythonValue } from '../../alarm/wire/python-json.js';
import type { Meter, Resource, Sample } from '../../storage/meters/sample-store.js';
import type { Statistics } from '../../storage/meters/statistics-store.js';
import { isoTimestamp } from './timestamp.js';

/** A sample as JSON, in Ceilometer's form. */
export function sampleResponse(sample: Sample): PythonValue {
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
    resource_metadata: sample.resourceMetadata as PythonValue,
    message_id: sample.messageId,
  };
}

/** A meter as JSON, in Ceilometer's form. */
export function meterResponse(meter: Meter): PythonValue {
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

/** A resource as JSON, in Ceilometer's form. `origin` is scheme and host of the API as the client addresses it. */
export function resourceResponse(resource: Resource, origin: string): PythonValue {
  const link = (rel: string, path: string): PythonValue => ({ href: `${origin}${path}`, rel });
  const id = encodeURIComponent(resource.resourceId);
  return {
    resource_id: resource.resourceId,
    project_id: resource.projectId,
    user_id: resource.userId,
    source: resource.source,
    first_sample_timestamp: isoTimestamp(resource.firstSampleAt),
    last_sample_timestamp: isoTimestamp(resource.lastSampleAt),
    metadata: resource.metadata as PythonValue,
    links: [
      link('self', `/v2/resources/${id}`),
      ...resource.meters.map((meter) =>
        link(meter, `/v2/meters/${encodeURIComponent(meter)}?q.field=resource_id&q.value=${id}`),
      ),
    ],
  };
}

/** Statistics of a meter as JSON, in Ceilometer's form. */
export function statisticsResponse(found: Statistics, periodS: number): PythonValue {
  const float = (value: number): PythonValue => new PythonFloat(value);
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

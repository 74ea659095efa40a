import { PythonFloat, type PythonValue } from '../../alarm/python-json.js';
import type { Meter, Resource, Sample } from '../../storage/sample-store.js';
import type { Statistics, StatisticsQuery } from '../../storage/statistics-store.js';
import { isoTimestamp } from './timestamp.js';

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

export function resourceResponse(resource: Resource, origin: string): PythonValue {
  const id = encodeURIComponent(resource.resourceId);
  return {
    resource_id: resource.resourceId,
    project_id: resource.projectId,
    user_id: resource.userId,
    first_sample_timestamp: isoTimestamp(resource.firstSampleAt),
    last_sample_timestamp: isoTimestamp(resource.lastSampleAt),
    metadata: resource.metadata as PythonValue,
    source: resource.source,
    links: [
      { href: `${origin}/v2/resources/${id}`, rel: 'self' },
      ...resource.meters.map((meter) => ({
        href: `${origin}/v2/meters/${encodeURIComponent(meter)}?q.field=resource_id&q.value=${id}`,
        rel: meter,
      })),
    ],
  };
}

/** Durations are cut to the time that was asked for, as Ceilometer does. */
export function statisticsResponse(
  figure: Statistics,
  { periodS, filter }: Pick<StatisticsQuery, 'periodS' | 'filter'>,
): PythonValue {
  const from = filter.timestamps?.find(({ op }) => op.startsWith('g'))?.at ?? figure.firstAt;
  const to = filter.timestamps?.find(({ op }) => op.startsWith('l'))?.at ?? figure.lastAt;
  const start = new Date(Math.max(figure.firstAt.getTime(), from.getTime()));
  const end = new Date(Math.min(figure.lastAt.getTime(), to.getTime()));
  return {
    groupby: Object.keys(figure.group).length === 0 ? null : { ...figure.group },
    unit: figure.unit,
    count: figure.count,
    min: new PythonFloat(figure.min),
    max: new PythonFloat(figure.max),
    avg: new PythonFloat(figure.avg),
    sum: new PythonFloat(figure.sum),
    stddev: new PythonFloat(figure.stddev),
    duration: new PythonFloat((end.getTime() - start.getTime()) / 1000),
    duration_start: isoTimestamp(start),
    duration_end: isoTimestamp(end),
    period: periodS,
    period_start: isoTimestamp(figure.periodStart),
    period_end: isoTimestamp(figure.periodEnd),
  };
}

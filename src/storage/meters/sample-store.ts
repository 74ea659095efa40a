import type { Database, Sql } from '../database.js';
import type { Scope } from '../scope.js';
import { readSlices } from '../slices.js';
import {
  listMeters,
  listResources,
  type Meter,
  type Resource,
  type ResourceFilter,
  type SampleType,
} from './resource-list.js';
import { boundSamples, filterSamples, slicedSamples, type SampleFilter } from './sample-filter.js';

/** One measurement of a meter. */
export interface Sample {
  messageId: string;
  meter: string;
  type: SampleType;
  unit: string;
  volume: number;
  resourceId: string;
  projectId: string | null;
  userId: string | null;
  source: string;
  timestamp: Date;
  recordedAt: Date;
  resourceMetadata: Record<string, unknown>;
}

export type SampleStore = ReturnType<typeof createSampleStore>;

/** Samples, meters and resources, for the API. */
export function createSampleStore(db: Database) {
  return {
    /**
     * Stores samples of one meter, one batch after the other. PostgreSQL stores all of them or none, the embedded
     * database each batch: it has one connection, which other requests may use between two batches.
     */
    append: (batches: AsyncIterable<readonly Sample[]>): Promise<void> => append(db, batches),
    /** Lists samples, newest first. As with the other lists, a page can be empty. `wanted`: see `ListQuery`. */
    list: (scope: Scope, meter: string, filter: SampleFilter, wanted?: number): AsyncIterable<Sample[]> =>
      list(db, scope, { meter, filter, wanted }),
    meters: (scope: Scope, filter: ResourceFilter, wanted?: number): AsyncIterable<Meter[]> =>
      listMeters(db, scope, { filter, wanted }),
    resources: (scope: Scope, filter: ResourceFilter): AsyncIterable<Resource[]> => listResources(db, scope, filter),
  };
}

const APPEND = `with stored as (
  insert into samples
    (message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp, recorded_at,
     resource_metadata)
  select s.message_id, $1, s.type, s.unit, s.volume, s.resource_id, s.project_id, s.user_id, s.source, s.timestamp,
    $2::timestamptz, s.metadata::jsonb
  from unnest($3::text[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::text[]::timestamptz[], $12::text[])
    as s (message_id, type, unit, volume, resource_id, project_id, user_id, source, timestamp, metadata)
)
insert into meter_resources
  (meter, resource_id, project_id, user_id, source, type, unit, first_sample_at, last_sample_at, resource_metadata)
select $1, r.resource_id, r.project_id, r.user_id, r.source, r.type, r.unit, r.first_at, r.last_at, r.metadata::jsonb
from unnest($13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[]::timestamptz[],
    $20::text[]::timestamptz[], $21::text[])
  as r (resource_id, project_id, user_id, source, type, unit, first_at, last_at, metadata)
on conflict (meter, resource_id, project_id) do update set
  first_sample_at = least(meter_resources.first_sample_at, excluded.first_sample_at),
  last_sample_at = greatest(meter_resources.last_sample_at, excluded.last_sample_at),
  user_id = case when excluded.last_sample_at >= meter_resources.last_sample_at then excluded.user_id
    else meter_resources.user_id end,
  source = case when excluded.last_sample_at >= meter_resources.last_sample_at then excluded.source
    else meter_resources.source end,
  type = case when excluded.last_sample_at >= meter_resources.last_sample_at then excluded.type
    else meter_resources.type end,
  unit = case when excluded.last_sample_at >= meter_resources.last_sample_at then excluded.unit
    else meter_resources.unit end,
  resource_metadata = case when excluded.last_sample_at >= meter_resources.last_sample_at
    then excluded.resource_metadata else meter_resources.resource_metadata end`;

/** Most resources that one statement of `appendAllOrNone` updates. */
const RESOURCES_AT_ONCE = 250;

async function append(db: Database, batches: AsyncIterable<readonly Sample[]>): Promise<void> {
  const reader = batches[Symbol.asyncIterator]();
  const first = await reader.next();
  if (first.done) return;
  const second = await reader.next();
  async function* all(): AsyncIterable<readonly Sample[]> {
    yield (first as IteratorYieldResult<readonly Sample[]>).value;
    for (let next = second; !next.done; next = await reader.next()) yield next.value;
  }
  const isOneStatement = second.done || db.kind === 'pglite';
  if (!isOneStatement) await db.transaction((tx) => appendAllOrNone(tx, all()));
  else for await (const samples of all()) await write(db, samples, sorted(touch(new Map(), samples)));
}

/** Updates the resources last, so that all writers lock their rows in the same order. */
async function appendAllOrNone(tx: Sql, batches: AsyncIterable<readonly Sample[]>): Promise<void> {
  const touched: TouchedResources = new Map();
  for await (const samples of batches) {
    await write(tx, samples, []);
    touch(touched, samples);
  }
  const resources = sorted(touched);
  for (let from = 0; from < resources.length; from += RESOURCES_AT_ONCE)
    await write(tx, [], resources.slice(from, from + RESOURCES_AT_ONCE));
}

async function write(db: Sql, samples: readonly Sample[], touched: readonly TouchedResource[]): Promise<void> {
  const first = samples[0] ?? touched[0]?.last;
  if (!first) return;
  await db.query(APPEND, [
    first.meter,
    first.recordedAt,
    samples.map(({ messageId }) => messageId),
    samples.map(({ type }) => type),
    samples.map(({ unit }) => unit),
    samples.map(({ volume }) => volume),
    samples.map(({ resourceId }) => resourceId),
    samples.map(({ projectId }) => projectId),
    samples.map(({ userId }) => userId),
    samples.map(({ source }) => source),
    samples.map(({ timestamp }) => timestamp.toISOString()),
    samples.map(({ resourceMetadata }) => JSON.stringify(resourceMetadata)),
    touched.map(({ last }) => last.resourceId),
    touched.map(({ last }) => last.projectId ?? ''),
    touched.map(({ last }) => last.userId),
    touched.map(({ last }) => last.source),
    touched.map(({ last }) => last.type),
    touched.map(({ last }) => last.unit),
    touched.map(({ firstAt }) => firstAt.toISOString()),
    touched.map(({ last }) => last.timestamp.toISOString()),
    touched.map(({ last }) => JSON.stringify(last.resourceMetadata)),
  ]);
}

interface TouchedResource {
  firstAt: Date;
  last: Sample;
}
/** One entry for each resource and project. */
type TouchedResources = Map<string, TouchedResource>;

/** Adds the resources of these samples, and returns the map. */
function touch(touched: TouchedResources, samples: readonly Sample[]): TouchedResources {
  for (const sample of samples) {
    const key = JSON.stringify([sample.resourceId, sample.projectId ?? '']);
    const known = touched.get(key);
    if (!known) touched.set(key, { firstAt: sample.timestamp, last: sample });
    else {
      if (sample.timestamp < known.firstAt) known.firstAt = sample.timestamp;
      if (sample.timestamp >= known.last.timestamp) known.last = sample;
    }
  }
  return touched;
}

/** In the same order for all writers, since they lock rows in this order. */
function sorted(touched: TouchedResources): TouchedResource[] {
  return [...touched].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

const SAMPLE_COLUMNS = `message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp,
  recorded_at, resource_metadata`;

async function* list(
  db: Database,
  scope: Scope,
  { meter, filter, wanted }: { meter: string; filter: SampleFilter; wanted: number | undefined },
): AsyncGenerator<Sample[], void, void> {
  const slices = readSlices<SampleRow>(db, slicedSamples('newest first'), {
    bounds: (conditions) => boundSamples(conditions, meter, filter),
    columns: SAMPLE_COLUMNS,
    filter: (conditions) => filterSamples(conditions, scope, filter),
    wanted,
  });
  for await (const rows of slices) yield rows.map(toSample);
}

interface SampleRow {
  message_id: string;
  meter: string;
  type: SampleType;
  unit: string;
  volume: number;
  resource_id: string;
  project_id: string | null;
  user_id: string | null;
  source: string;
  timestamp: Date;
  recorded_at: Date;
  resource_metadata: Record<string, unknown>;
}

function toSample(row: SampleRow): Sample {
  return {
    messageId: row.message_id,
    meter: row.meter,
    type: row.type,
    unit: row.unit,
    volume: row.volume,
    resourceId: row.resource_id,
    projectId: row.project_id,
    userId: row.user_id,
    source: row.source,
    timestamp: row.timestamp,
    recordedAt: row.recorded_at,
    resourceMetadata: row.resource_metadata,
  };
}

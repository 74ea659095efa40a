import { Conditions, orderBy } from '../conditions.js';
import type { Database, Sql } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { sampleConditions, type SampleFilter } from './sample-filter.js';

/** Type of a meter, as in Ceilometer. */
export type SampleType = 'gauge' | 'delta' | 'cumulative';

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

/** A meter of one resource. */
export interface Meter {
  name: string;
  type: SampleType;
  unit: string;
  resourceId: string;
  projectId: string | null;
  userId: string | null;
  source: string;
}

/** A resource and its meters. */
export interface Resource {
  resourceId: string;
  projectId: string | null;
  userId: string | null;
  source: string;
  firstSampleAt: Date;
  lastSampleAt: Date;
  metadata: Record<string, unknown>;
  meters: string[];
}

/** Equality conditions on resources that must all hold. */
export interface ResourceFilter {
  resourceId?: string;
  projectId?: string;
  userId?: string;
  source?: string;
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
    /** Lists samples, newest first. */
    list: (scope: Scope, meter: string, filter: SampleFilter, limit: number): Promise<Sample[]> =>
      list(db, scope, { meter, filter, limit }),
    meters: (scope: Scope, filter: ResourceFilter, limit: number): Promise<Meter[]> => meters(db, scope, filter, limit),
    resources: (scope: Scope, filter: ResourceFilter, limit: number): Promise<Resource[]> =>
      resources(db, scope, filter, limit),
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

async function list(
  db: Database,
  scope: Scope,
  { meter, filter, limit }: { meter: string; filter: SampleFilter; limit: number },
): Promise<Sample[]> {
  const conditions = sampleConditions(scope, meter, filter);
  const newestFirst = [
    { sql: 'timestamp', type: 'timestamptz', descending: true },
    { sql: 'id', type: 'bigint', descending: true },
  ] as const;
  const { rows } = await db.query<SampleRow>(
    `select message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp, recorded_at,
      resource_metadata
     from samples ${conditions.where()} ${orderBy(newestFirst)} ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map(toSample);
}

async function meters(db: Database, scope: Scope, filter: ResourceFilter, limit: number): Promise<Meter[]> {
  const conditions = resourceConditions(scope, filter);
  const { rows } = await db.query<MeterRow>(
    `select meter, type, unit, resource_id, project_id, user_id, source from meter_resources ${conditions.where()}
     order by meter, resource_id, project_id ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map((row) => ({
    name: row.meter,
    type: row.type,
    unit: row.unit,
    resourceId: row.resource_id,
    projectId: row.project_id || null,
    userId: row.user_id,
    source: row.source,
  }));
}

async function resources(db: Database, scope: Scope, filter: ResourceFilter, limit: number): Promise<Resource[]> {
  const conditions = resourceConditions(scope, filter);
  const { rows } = await db.query<ResourceRow>(
    `select resource_id, project_id, min(first_sample_at) as first_sample_at, max(last_sample_at) as last_sample_at,
       array_agg(meter order by meter) as meters,
       (array_agg(user_id order by last_sample_at desc, meter))[1] as user_id,
       (array_agg(source order by last_sample_at desc, meter))[1] as source,
       (array_agg(resource_metadata order by last_sample_at desc, meter))[1] as resource_metadata
     from meter_resources ${conditions.where()}
     group by resource_id, project_id order by resource_id, project_id ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map((row) => ({
    resourceId: row.resource_id,
    projectId: row.project_id || null,
    userId: row.user_id,
    source: row.source,
    firstSampleAt: row.first_sample_at,
    lastSampleAt: row.last_sample_at,
    metadata: row.resource_metadata,
    meters: row.meters,
  }));
}

function resourceConditions(scope: Scope, filter: ResourceFilter): Conditions {
  const conditions = new Conditions();
  restrictToScope(scope, 'project_id', conditions);
  conditions.equal('resource_id', filter.resourceId, 'text');
  conditions.equal('project_id', filter.projectId, 'text');
  conditions.equal('user_id', filter.userId, 'text');
  conditions.equal('source', filter.source, 'text');
  return conditions;
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

type MeterRow = Pick<SampleRow, 'meter' | 'type' | 'unit' | 'resource_id' | 'project_id' | 'user_id' | 'source'>;
type ResourceRow = Pick<SampleRow, 'resource_id' | 'project_id' | 'user_id' | 'source' | 'resource_metadata'> & {
  first_sample_at: Date;
  last_sample_at: Date;
  meters: string[];
};

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

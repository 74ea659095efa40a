import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlices, valueBytes, type SlicedTable } from '../slices.js';

/** Type of a meter, as in Ceilometer. */
export type SampleType = 'gauge' | 'delta' | 'cumulative';

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

const METADATA_BYTES = valueBytes('resource_metadata');

const BY_METER: SlicedTable = {
  table: 'meter_resources',
  alias: 'meter_resources',
  keys: ['meter', 'resource_id', 'project_id'].map((sql) => ({ sql, type: 'text', descending: false })),
  bytes: METADATA_BYTES,
};

/** Pages of meters, in the order of their names. `wanted`: see `ListQuery`. */
export async function* listMeters(
  db: Database,
  scope: Scope,
  { filter, wanted }: { filter: ResourceFilter; wanted: number | undefined },
): AsyncGenerator<Meter[], void, void> {
  const slices = readSlices<MeterRow>(db, BY_METER, {
    bounds: () => undefined,
    columns: 'meter, type, unit, resource_id, project_id, user_id, source',
    filter: (conditions) => filterResources(conditions, scope, filter),
    wanted,
  });
  for await (const rows of slices) yield rows.map(toMeter);
}

const BY_RESOURCE: SlicedTable = {
  table: 'meter_resources',
  alias: 'meter_resources',
  keys: ['resource_id', 'project_id', 'meter'].map((sql) => ({ sql, type: 'text', descending: false })),
  bytes: METADATA_BYTES,
};

const RESOURCE_COLUMNS = `meter, resource_id, project_id, user_id, source, first_sample_at, last_sample_at,
  resource_metadata`;

/**
 * Pages of resources, in the order of their ids. The rows of one resource, its meters, may be in several slices. A
 * resource is complete when the next one begins.
 */
export async function* listResources(
  db: Database,
  scope: Scope,
  filter: ResourceFilter,
): AsyncGenerator<Resource[], void, void> {
  const slices = readSlices<ResourceRow>(db, BY_RESOURCE, {
    bounds: (conditions) => conditions.equal('resource_id', filter.resourceId, 'text'),
    columns: RESOURCE_COLUMNS,
    filter: (conditions) => filterResources(conditions, scope, filter),
  });
  let open: Resource[] = [];
  for await (const rows of slices) {
    for (const row of rows) {
      const last = open.at(-1);
      if (last?.resourceId === row.resource_id && last.projectId === (row.project_id || null)) addMeter(last, row);
      else open.push(toResource(row));
    }
    yield open.slice(0, -1);
    open = open.slice(-1);
  }
  yield open;
}

function filterResources(conditions: Conditions, scope: Scope, filter: ResourceFilter): void {
  restrictToScope(scope, 'project_id', conditions);
  conditions.equal('resource_id', filter.resourceId, 'text');
  conditions.equal('project_id', filter.projectId, 'text');
  conditions.equal('user_id', filter.userId, 'text');
  conditions.equal('source', filter.source, 'text');
}

interface MeterRow {
  meter: string;
  type: SampleType;
  unit: string;
  resource_id: string;
  project_id: string | null;
  user_id: string | null;
  source: string;
}

type ResourceRow = Pick<MeterRow, 'meter' | 'resource_id' | 'project_id' | 'user_id' | 'source'> & {
  resource_metadata: Record<string, unknown>;
  first_sample_at: Date;
  last_sample_at: Date;
};

function toMeter(row: MeterRow): Meter {
  return {
    name: row.meter,
    type: row.type,
    unit: row.unit,
    resourceId: row.resource_id,
    projectId: row.project_id || null,
    userId: row.user_id,
    source: row.source,
  };
}

function toResource(row: ResourceRow): Resource {
  return {
    resourceId: row.resource_id,
    projectId: row.project_id || null,
    userId: row.user_id,
    source: row.source,
    firstSampleAt: row.first_sample_at,
    lastSampleAt: row.last_sample_at,
    metadata: row.resource_metadata,
    meters: [row.meter],
  };
}

/** The data of a resource are those of its latest sample. */
function addMeter(resource: Resource, row: ResourceRow): void {
  resource.meters.push(row.meter);
  if (row.first_sample_at < resource.firstSampleAt) resource.firstSampleAt = row.first_sample_at;
  if (row.last_sample_at <= resource.lastSampleAt) return;
  resource.lastSampleAt = row.last_sample_at;
  resource.userId = row.user_id;
  resource.source = row.source;
  resource.metadata = row.resource_metadata;
}

import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlices, type SlicedTable } from '../slices.js';
import type { ListedResource, ListedResourcePage, ListedResourceQuery, ResourcePosition } from './listed-meter.js';

/** Most names of meters that a resource shows. */
const MOST_SHOWN = 20;
/** Most rows of one page: a resource has one for each of its meters. */
const MOST_ROWS = 5_000;
/** Rows that one statement reads. */
const ROWS_AT_ONCE = 1_000;

const COLUMNS = `m.meter, m.resource_id as "resourceId", m.project_id as "projectId", m.user_id as "userId", m.source,
  m.last_sample_at as "lastSampleAt"`;

type ResourceMeterRow = ResourcePosition &
  Pick<ListedResource, 'userId' | 'source' | 'lastSampleAt'> & {
    meter: string;
  };

/** One page. A resource is complete when the next one begins. */
export async function resourcePage(
  db: Database,
  scope: Scope,
  { filter: { meter, search, userId }, limit, after }: ListedResourceQuery,
): Promise<ListedResourcePage> {
  const slices = readSlices<ResourceMeterRow>(db, sliced(scope, meter !== undefined), {
    bounds: (conditions) => {
      restrictToScope(scope, 'm.project_id', conditions);
      conditions.equal('m.meter', meter, 'text');
      if (after) beginAfter(conditions, scope, after);
    },
    filter: (conditions) => {
      conditions.equal('m.user_id', userId, 'text');
      if (search !== undefined)
        conditions.add(`strpos(lower(m.resource_id), lower(${conditions.parameter(search, 'text')})) > 0`);
    },
    columns: COLUMNS,
    limits: { rows: ROWS_AT_ONCE },
    prepare: false,
  });
  const found: ListedResource[] = [];
  let read = 0;
  for await (const rows of slices) {
    for (const row of rows) {
      const last = found.at(-1);
      if (last?.resourceId === row.resourceId && last.projectId === (row.projectId || null)) addMeter(last, row);
      else if (found.length === limit) return pageOf(found, true);
      else found.push(toResource(row));
    }
    read += rows.length;
    if (read >= MOST_ROWS) return pageOf(cutPage(found), true);
  }
  return pageOf(found, false);
}

/** More meters of the last resource may follow: it is first on the next page, unless it has a page of its own. */
function cutPage(found: ListedResource[]): ListedResource[] {
  if (found.length > 1) return found.slice(0, -1);
  return found.map((resource) => ({ ...resource, isComplete: false }));
}

function pageOf(resources: ListedResource[], hasMore: boolean): ListedResourcePage {
  const last = hasMore ? resources.at(-1) : undefined;
  return { resources, next: last && { resourceId: last.resourceId, projectId: last.projectId ?? '' } };
}

/** An index has this order for each scope, also behind the name of one meter. */
function sliced(scope: Scope, isOfMeter: boolean): SlicedTable {
  const keys = ['m.resource_id', ...('all' in scope ? ['m.project_id'] : []), ...(isOfMeter ? [] : ['m.meter'])];
  return {
    table: 'meter_resources m',
    alias: 'm',
    keys: keys.map((sql) => ({ sql, type: 'text', descending: false })),
    bytes: '0',
  };
}

function beginAfter(conditions: Conditions, scope: Scope, { resourceId, projectId }: ResourcePosition): void {
  const resource = conditions.parameter(resourceId, 'text');
  if (!('all' in scope)) conditions.add(`m.resource_id > ${resource}`);
  else conditions.add(`(m.resource_id, m.project_id) > (${resource}, ${conditions.parameter(projectId, 'text')})`);
}

function toResource({ meter, resourceId, projectId, userId, source, lastSampleAt }: ResourceMeterRow): ListedResource {
  return {
    resourceId,
    projectId: projectId || null,
    userId,
    source,
    meters: [meter],
    meterCount: 1,
    isComplete: true,
    lastSampleAt,
  };
}

function addMeter(resource: ListedResource, { meter, userId, source, lastSampleAt }: ResourceMeterRow): void {
  resource.meterCount += 1;
  if (resource.meters.length < MOST_SHOWN) resource.meters.push(meter);
  if (lastSampleAt <= resource.lastSampleAt) return;
  Object.assign(resource, { userId, source, lastSampleAt });
}

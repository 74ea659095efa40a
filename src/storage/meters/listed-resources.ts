import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlice, SLICE_ROW, type SlicedTable, type SliceQuery } from '../slices.js';
import type {
  ListedResource,
  ListedResourceFilter,
  ListedResourcePage,
  ListedResourceQuery,
  ResourcePosition,
} from './listed-meter.js';

/** Most names of meters that a resource shows. */
const MOST_SHOWN = 20;
/** Rows that one statement reads. */
const ROWS_AT_ONCE = 1_000;
/** Statements of one page, which read at most so many rows: a resource has one row for each of its meters. */
const MOST_SLICES = 5;

const COLUMNS = `m.meter, m.resource_id as "resourceId", m.project_id as "projectId", m.user_id as "userId", m.source,
  m.last_sample_at as "lastSampleAt"`;

type ResourceMeterRow = ResourcePosition &
  Pick<ListedResource, 'userId' | 'source' | 'lastSampleAt'> & {
    meter: string;
    isMatch: boolean;
  };

/** One page. It can be short or empty although another one follows, since it reads a bounded number of rows. */
export async function resourcePage(
  db: Database,
  scope: Scope,
  { filter, limit, after, signal }: ListedResourceQuery,
): Promise<ListedResourcePage> {
  const page = new ResourcePage(limit);
  const table = sliced(scope, filter.meter !== undefined);
  const query: SliceQuery = {
    bounds: (conditions) => {
      restrictToScope(scope, 'm.project_id', conditions);
      conditions.equal('m.meter', filter.meter, 'text');
      if (after) beginAfter(conditions, scope, after);
    },
    select: (conditions, from) => `select ${COLUMNS}, ${matchSql(conditions, filter)} as "isMatch", ${SLICE_ROW}
      from ${from}`,
    limits: { rows: ROWS_AT_ONCE },
  };
  let from: readonly unknown[] | undefined;
  for (let slices = 0; slices < MOST_SLICES && !signal?.aborted; slices += 1) {
    const { rows, next } = await readSlice<ResourceMeterRow>(db, table, query, from);
    if (!page.add(rows)) return page.full();
    if (next === undefined) return { resources: page.found, next: undefined };
    from = next;
  }
  return page.cut();
}

/** SQL that is true for rows of the filter. Others are read, too: they count, and the next page begins after them. */
function matchSql(conditions: Conditions, { search, userId }: ListedResourceFilter): string {
  const matches = ['true'];
  if (userId !== undefined) matches.push(`m.user_id is not distinct from ${conditions.parameter(userId, 'text')}`);
  if (search !== undefined)
    matches.push(`strpos(lower(m.resource_id), lower(${conditions.parameter(search, 'text')})) > 0`);
  return `(${matches.join(' and ')})`;
}

/** Resources of the rows of a page. A resource is complete when the next one begins. */
class ResourcePage {
  readonly found: ListedResource[] = [];
  /** The resource of the last row, also if the row does not match. */
  #current: ResourcePosition | undefined;
  /** The resource before it. */
  #previous: ResourcePosition | undefined;

  constructor(readonly limit: number) {}

  /** Returns false if a resource does not fit. */
  add(rows: readonly ResourceMeterRow[]): boolean {
    for (const row of rows) {
      const { resourceId, projectId } = row;
      if (!isSame(this.#current, row)) {
        this.#previous = this.#current;
        this.#current = { resourceId, projectId };
      }
      if (!row.isMatch) continue;
      const last = this.found.at(-1);
      if (last && isSame(positionOf(last), row)) addMeter(last, row);
      else if (this.found.length === this.limit) return false;
      else this.found.push(toResource(row));
    }
    return true;
  }

  /** The page that ends before the resource that does not fit. */
  full(): ListedResourcePage {
    return { resources: this.found, next: this.#previous };
  }

  /** More meters of the last resource may follow: it is first on the next page, unless this page has no other one. */
  cut(): ListedResourcePage {
    const last = this.found.at(-1);
    const isCut = last !== undefined && isSame(this.#current, positionOf(last));
    if (this.#previous) return { resources: isCut ? this.found.slice(0, -1) : this.found, next: this.#previous };
    return { resources: this.found.map((resource) => ({ ...resource, isComplete: false })), next: this.#current };
  }
}

function positionOf({ resourceId, projectId }: ListedResource): ResourcePosition {
  return { resourceId, projectId: projectId ?? '' };
}

function isSame(one: ResourcePosition | undefined, other: ResourcePosition): boolean {
  return one?.resourceId === other.resourceId && one.projectId === other.projectId;
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

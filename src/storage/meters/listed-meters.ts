import { firstRows } from '../../async/pages.js';
import { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { followIndex, readSlices, type SlicedTable } from '../slices.js';
import type { ListedMeter, ListedMeterFilter, ListedMeterPage, ListedMeterQuery } from './listed-meter.js';
import type { SampleType } from './resource-list.js';

/** Most resources of a meter that are counted. */
const MOST_RESOURCES = 1_000;
/** Names that one statement of a search reads. */
const NAMES_AT_ONCE = 500;
/** Names that one page of a search reads. */
const MOST_NAMES = 10_000;
/** Most rows of one resource, which has one for each of its meters and projects. */
const MOST_OF_RESOURCE = 10_000;

/** One page. The meters of a single resource are few, so they are all read. */
export async function meterPage(
  db: Database,
  scope: Scope,
  { filter, limit, after, signal }: ListedMeterQuery,
): Promise<ListedMeterPage> {
  if (filter.resourceId !== undefined) {
    const all = await metersOfResource(db, scope, filter.resourceId, { ...filter, signal });
    const rest = all.filter(({ name }) => after === undefined || name > after);
    return { meters: rest.slice(0, limit), next: rest.length > limit ? rest[limit - 1]?.name : undefined };
  }
  const { names, next } = await namesOf(db, scope, { filter, limit, after, signal });
  return { meters: await summariesOf(db, scope, { ...filter, signal }, names), next };
}

interface NamePage {
  names: string[];
  /** See `ListedMeterPage`. */
  next: string | undefined;
}

async function namesOf(db: Database, scope: Scope, query: ListedMeterQuery): Promise<NamePage> {
  const { name, search } = query.filter;
  if (name === undefined) return namesAfter(db, scope, query);
  return { names: contains(name, search) ? [name] : [], next: undefined };
}

/** Steps from each name to the next one, since a meter can have many rows. */
async function namesAfter(
  db: Database,
  scope: Scope,
  { filter: { userId, search }, limit, after, signal }: ListedMeterQuery,
): Promise<NamePage> {
  const atOnce = search === undefined ? limit + 1 : NAMES_AT_ONCE;
  const names: string[] = [];
  let last = after;
  for (let read = 0; read < MOST_NAMES && !signal?.aborted; read += atOnce) {
    const found = await nextNames(db, scope, { userId, after: last, atOnce });
    for (const name of found.filter((each) => contains(each, search))) {
      if (names.length === limit) return { names, next: names.at(-1) };
      names.push(name);
    }
    if (found.length < atOnce) return { names, next: undefined };
    last = found.at(-1);
  }
  return { names, next: last };
}

async function nextNames(
  db: Database,
  scope: Scope,
  { userId, after, atOnce }: { userId: string | undefined; after: string | undefined; atOnce: number },
): Promise<string[]> {
  const parameters: unknown[] = [];
  const first = boundMeters(new Conditions(parameters), scope, userId);
  if (after !== undefined) first.add(`m.meter > ${first.parameter(after, 'text')}`);
  const next = boundMeters(new Conditions(parameters), scope, userId);
  next.add('m.meter > found.meter');
  const text = `
    with recursive found(meter, number) as (
      (select m.meter, 1 from meter_resources m ${first.where()} order by m.meter limit 1)
      union all
      (select next.meter, found.number + 1 from found cross join lateral (
         select m.meter from meter_resources m ${next.where()} order by m.meter limit 1) next
        where found.number < ${first.parameter(atOnce, 'integer')})
    )
    select meter from found order by number`;
  return (await followIndex<{ meter: string }>(db, text, parameters)).map(({ meter }) => meter);
}

interface SummaryRow {
  name: string;
  resources: number;
  type: SampleType | null;
  unit: string;
  last_sample_at: Date;
}

/** The embedded database executes one statement at a time, so each summarises one meter. */
async function summariesOf(
  db: Database,
  scope: Scope,
  { userId, signal }: Pick<ListedMeterFilter, 'userId'> & Pick<ListedMeterQuery, 'signal'>,
  names: readonly string[],
): Promise<ListedMeter[]> {
  const batches = db.kind === 'postgres' ? [names] : names.map((name) => [name]);
  const rows: SummaryRow[] = [];
  for (const batch of batches) {
    if (signal?.aborted) break;
    const conditions = new Conditions();
    const wanted = conditions.parameter(batch, 'text[]');
    boundMeters(conditions, scope, userId);
    conditions.add('m.meter = wanted.name');
    const text = `
      select wanted.name, found.* from unnest(${wanted}) with ordinality as wanted(name, number) cross join lateral (
        select count(*) as resources, max(last_sample_at) as last_sample_at,
               (array_agg(type order by last_sample_at desc))[1] as type,
               (array_agg(unit order by last_sample_at desc))[1] as unit
          from (select m.last_sample_at, m.type, m.unit from meter_resources m ${conditions.where()}
                 order by m.resource_id ${conditions.limit(MOST_RESOURCES + 1)}) counted) found
       order by wanted.number`;
    rows.push(...(await followIndex<SummaryRow>(db, text, conditions.parameters)));
  }
  return rows.flatMap(({ name, resources, type, unit, last_sample_at }) =>
    // Old resources may have been deleted meanwhile.
    type === null ? [] : [listedMeter({ name, resources, type, unit, lastSampleAt: last_sample_at })],
  );
}

function listedMeter(meter: Omit<ListedMeter, 'isComplete'>): ListedMeter {
  const { resources } = meter;
  return { ...meter, resources: Math.min(resources, MOST_RESOURCES), isComplete: resources <= MOST_RESOURCES };
}

const BY_RESOURCE: SlicedTable = {
  table: 'meter_resources m',
  alias: 'm',
  keys: ['m.resource_id', 'm.project_id', 'm.meter'].map((sql) => ({ sql, type: 'text', descending: false })),
  bytes: '0',
};

type MeterOfResource = Omit<ListedMeter, 'resources' | 'isComplete'>;

async function metersOfResource(
  db: Database,
  scope: Scope,
  resourceId: string,
  { name, search, userId, signal }: ListedMeterFilter & Pick<ListedMeterQuery, 'signal'>,
): Promise<ListedMeter[]> {
  const slices = readSlices<MeterOfResource>(db, BY_RESOURCE, {
    bounds: (conditions) => {
      conditions.equal('m.resource_id', resourceId, 'text');
      restrictToScope(scope, 'm.project_id', conditions);
    },
    filter: (conditions) => {
      conditions.equal('m.user_id', userId, 'text');
      conditions.equal('m.meter', name, 'text');
    },
    columns: 'm.meter as name, m.type, m.unit, m.last_sample_at as "lastSampleAt"',
  });
  const meters = new Map<string, Omit<ListedMeter, 'isComplete'>>();
  const rows = await firstRows(slices, MOST_OF_RESOURCE + 1, signal);
  const isComplete = rows.length <= MOST_OF_RESOURCE;
  for (const row of rows.slice(0, MOST_OF_RESOURCE)) {
    if (!contains(row.name, search)) continue;
    const known = meters.get(row.name);
    const newer = known && known.lastSampleAt > row.lastSampleAt ? known : row;
    const { type, unit, lastSampleAt } = newer;
    meters.set(row.name, { name: row.name, type, unit, lastSampleAt, resources: (known?.resources ?? 0) + 1 });
  }
  return [...meters.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map((meter) => ({ ...meter, isComplete }));
}

function boundMeters(conditions: Conditions, scope: Scope, userId: string | undefined): Conditions {
  restrictToScope(scope, 'm.project_id', conditions);
  conditions.equal('m.user_id', userId, 'text');
  return conditions;
}

function contains(name: string, search: string | undefined): boolean {
  return search === undefined || name.toLowerCase().includes(search.toLowerCase());
}

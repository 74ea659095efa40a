import { Conditions, orderBy, type OrderKey } from './conditions.js';
import type { Database } from './database.js';

/*
 * Long reads in slices. The embedded database executes one statement at a time, so each statement there reads a bounded
 * number of rows and bytes. PostgreSQL executes statements beside each other and ends those that take too long, so a
 * statement there reads what it needs for a bounded number of results.
 */

/** A table that is read in slices. */
export interface SlicedTable {
  /** The table and its alias, as in `from`. */
  table: string;
  alias: string;
  /** The order of an index. The last key is unique, and no key is null. */
  keys: readonly OrderKey[];
  /** SQL for the size of a row's long values: a sum of `textBytes` and `valueBytes`. */
  bytes: string;
}

/** Which rows to read, and what of them. */
export interface ListQuery {
  /** Adds the conditions on which rows are read. The index of the keys must answer them all. */
  bounds: (conditions: Conditions) => void;
  columns: string;
  /** Tables that the columns or the filter need. */
  joins?: string | undefined;
  /** Adds further conditions. */
  filter?: ((conditions: Conditions) => void) | undefined;
  /** Default: `SLICE_LIMITS`. On PostgreSQL only `rows` counts, as a limit of results, unless `isBounded`. */
  limits?: Partial<SliceLimits> | undefined;
  /** Also bounded on PostgreSQL, because the results are filtered in memory. Default: false. */
  isBounded?: boolean | undefined;
  /** Most rows of the first statement: those that the caller wants. */
  wanted?: number | undefined;
  /** False for a query with a filter of any form, whose text rarely repeats. Default: true. */
  prepare?: boolean | undefined;
}

/** One slice to read. */
export interface SliceQuery extends Pick<ListQuery, 'bounds' | 'limits'> {
  /** The query over `from`, the rows that were read, with further conditions. */
  select: (conditions: Conditions, from: string) => string;
}

/** What one bounded statement reads at most; one row is always read, however long it is. */
export interface SliceLimits {
  rows: number;
  bytes: number;
}

/** The result of one slice. */
export interface Slice<Row> {
  rows: Row[];
  /** The keys of the last row that was read; undefined if no row is left. */
  next: readonly unknown[] | undefined;
}

/** The default limits. The embedded database takes some tens of milliseconds for such a slice. */
export const SLICE_LIMITS: SliceLimits = { rows: 500, bytes: 256 * 1024 };

/** SQL for the size of a text, without reading it. */
export const textBytes = (column: string): string => `coalesce(octet_length(${column}), 0)`;

/** Compression makes a value about this much smaller at most. */
const MOST_COMPRESSED = 50;

/** SQL for the most bytes that a list or a JSON value may have, without reading it. */
export const valueBytes = (column: string): string =>
  `coalesce(pg_column_size(${column}) * case when pg_column_compression(${column}) is null then 1
    else ${MOST_COMPRESSED} end, 0)`;

/** The column by which a query over a slice orders its result. A query that groups rows selects its minimum. */
export const SLICE_ROW = 'slice_row';

/**
 * The planner must follow the index, not read all rows and sort them, which it does for a table that it knows little
 * about: the embedded database has no autovacuum.
 */
export const FOLLOW_THE_INDEX = `
  select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
         set_config('jit', 'off', true)`;

/** All rows of a query, in the order of the keys. A page can be empty. */
export async function* readSlices<Row extends object>(
  db: Database,
  sliced: SlicedTable,
  query: ListQuery,
  from?: readonly unknown[],
): AsyncGenerator<Row[], void, void> {
  const most = { ...SLICE_LIMITS, ...query.limits };
  const isBounded = db.kind === 'pglite' || query.isBounded === true;
  const first = isBounded ? most.rows : Math.min(most.rows, FIRST_RESULTS);
  let wanted = query.wanted ?? Infinity;
  let rowsAtOnce = Math.min(wanted, first);
  for (let after = from; ;) {
    const { rows, next } = await readPage<Row>(db, sliced, { ...query, limits: { ...most, rows: rowsAtOnce } }, after);
    yield rows;
    if (next === undefined) return;
    after = next;
    wanted = Math.max(1, wanted - rows.length);
    rowsAtOnce = isBounded ? most.rows : Math.min(most.rows, wanted, rowsOfPage(rows));
  }
}

/**
 * Results of the first statement on PostgreSQL, whose size is unknown: 6 MB at most. A page of 100, and the row that
 * tells whether another page follows.
 */
const FIRST_RESULTS = 101;
/** Characters of a page of results of PostgreSQL. */
const PAGE_CHARACTERS = 512 * 1024;

/** The number of rows that a page may have if its rows are as long as these. */
function rowsOfPage(rows: readonly object[]): number {
  const characters = rows.reduce((sum, row) => sum + charactersIn(row), 0);
  return Math.max(1, Math.floor((PAGE_CHARACTERS * rows.length) / characters));
}

/** The size of a row: its texts count. */
export function charactersIn(row: object): number {
  let characters = 1;
  for (const value of Object.values(row) as unknown[]) characters += typeof value === 'string' ? value.length : 1;
  return characters;
}

function readPage<Row extends object>(
  db: Database,
  sliced: SlicedTable,
  query: ListQuery & { limits: SliceLimits },
  after: readonly unknown[] | undefined,
): Promise<Slice<Row>> {
  if (db.kind === 'postgres' && query.isBounded !== true) return readResults(db, sliced, query, after);
  const { bounds, limits, columns, joins = '', filter } = query;
  const select = (conditions: Conditions, from: string): string => {
    filter?.(conditions);
    return `select ${columns}, ${SLICE_ROW} from ${from} ${joins} ${conditions.where()}`;
  };
  return readSlice(db, sliced, { bounds, limits, select }, after);
}

async function readResults<Row extends object>(
  db: Database,
  { table, keys }: SlicedTable,
  { bounds, limits, columns, joins = '', filter, prepare = true }: ListQuery & { limits: SliceLimits },
  after: readonly unknown[] | undefined,
): Promise<Slice<Row>> {
  const conditions = new Conditions();
  bounds(conditions);
  filter?.(conditions);
  if (after) conditions.after(keys, after);
  const text = `select ${columns}, ${keysSql(keys)} as next from ${table} ${joins} ${conditions.where()}
    ${orderBy(keys)} ${conditions.limit(limits.rows)}`;
  const { rows } = await db.query<Row & { next: string }>(text, conditions.parameters, { prepare });
  const last = rows.length < limits.rows ? undefined : rows.at(-1);
  return { rows, next: last && keysIn(last.next) };
}

/** Reads a bounded number of rows after `after`, however few of them the query selects. */
export async function readSlice<Row extends object>(
  db: Database,
  sliced: SlicedTable,
  query: SliceQuery,
  after: readonly unknown[] | undefined,
): Promise<Slice<Row>> {
  const conditions = new Conditions();
  const text = sliceSql(sliced, query, { conditions, after });
  const rows = await followIndex<SliceRow & Row>(db, text, conditions.parameters);
  const next = rows[0]?.next ?? undefined;
  return {
    rows: rows.filter(({ slice_row }) => slice_row !== null),
    next: next === undefined ? undefined : keysIn(next),
  };
}

/** SQL for the keys of a row, exactly: a `Date` would have milliseconds only. */
const keysSql = (keys: readonly OrderKey[]): string =>
  `json_build_array(${keys.map(({ sql }) => sql).join(', ')})::text`;

const keysIn = (text: string): readonly unknown[] => JSON.parse(text) as unknown[];

/** Executes a statement that follows an index. PostgreSQL knows its tables. */
export async function followIndex<Row>(
  db: Pick<Database, 'kind' | 'query' | 'transaction'>,
  text: string,
  parameters: readonly unknown[],
): Promise<Row[]> {
  if (db.kind === 'postgres') return (await db.query<Row>(text, parameters, { prepare: false })).rows;
  return db.transaction(async (tx) => {
    await tx.query(FOLLOW_THE_INDEX);
    return (await tx.query<Row>(text, parameters)).rows;
  });
}

/** Reads at most as many rows as there are ids. `id`: the column of the primary key. */
export async function readByIds<Row>(
  db: Database,
  { table, alias }: Pick<SlicedTable, 'table' | 'alias'>,
  { id, ids }: { id: string; ids: readonly string[] },
  { bounds, columns, joins = '' }: Pick<ListQuery, 'bounds' | 'columns' | 'joins'>,
): Promise<Row[]> {
  const conditions = new Conditions();
  const wanted = conditions.parameter(ids, 'text[]');
  bounds(conditions);
  const text = `
    with found as materialized (select ${alias}.* from ${table} where ${id} = any(${wanted}))
    select ${columns} from (select * from found) ${alias} ${joins} ${conditions.where()}`;
  return followIndex<Row>(db, text, conditions.parameters);
}

interface SliceRow {
  /** JSON; null if no row is left. */
  next: string | null;
  /** Null in the only row of a slice without results. */
  slice_row: number | null;
}

function sliceSql(
  { table, alias, keys, bytes }: SlicedTable,
  { bounds, select, limits }: SliceQuery,
  { conditions, after }: { conditions: Conditions; after: readonly unknown[] | undefined },
): string {
  const most = { ...SLICE_LIMITS, ...limits };
  bounds(conditions);
  if (after) conditions.after(keys, after);
  const where = conditions.where();
  const order = orderBy(keys);
  const [rows, readable] = [most.rows, most.bytes].map((limit) => conditions.parameter(limit, 'bigint'));
  const results = select(new Conditions(conditions.parameters), `(select * from sized where is_read) ${alias}`);
  return `
    with slice as materialized (
      select ${alias}.* from ${table} ${where} ${order} limit ${rows}
    ), sized as materialized (
      select *, row_number() over o as ${SLICE_ROW},
             coalesce(sum(${bytes}) over (o rows between unbounded preceding and 1 preceding), 0) < ${readable}
               as is_read
        from slice ${alias} window o as (${order})
    ), last as (
      select case when (select count(*) = ${rows} or not bool_and(is_read) from sized)
             then ${keysSql(keys)} end as next
        from sized ${alias} where is_read order by ${SLICE_ROW} desc limit 1
    )
    select last.next, found.* from last left join (${results}) found on true
     order by found.${SLICE_ROW}`;
}

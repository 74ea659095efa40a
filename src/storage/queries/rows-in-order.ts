import { convertInPieces } from '../../async/event-loop.js';
import type { Conditions, OrderKey } from '../conditions.js';
import type { Database } from '../database.js';
import { charactersIn, readByIds, readSlices, type SliceLimits, type SlicedTable } from '../slices.js';
import { orderOf, type Fields } from './complex-filter.js';
import { compareSortKeys, sortKeyOf, sortKeySql, type SortKey } from './sort-key.js';

/** Rows that can be read in any order of their fields. */
export interface OrderedTable<Row, DbRow, Name extends string> extends Omit<SlicedTable, 'keys'> {
  columns: string;
  /** Joins that the columns need. */
  joins: string;
  fields: Fields<Row, Name>;
  /** The field that is unique. */
  unique: Name;
  /** The fields of the index that answers the bounds. Its order is the only one that needs no sorting. */
  indexed: readonly Name[];
  toRow: (row: DbRow) => Row;
}

/** Which rows, and in which order. */
export interface OrderedQuery<Row, Name extends string> {
  /** Adds conditions that the index answers. */
  bounds: (conditions: Conditions) => void;
  /** Adds all other conditions. Undefined: each row of the bounds is a result. */
  filter: ((conditions: Conditions) => void) | undefined;
  /** A filter that only runs in memory. */
  matching?: ((rows: readonly Row[]) => Promise<Row[]>) | undefined;
  /** Called with the number of results of each statement. */
  onRead?: ((found: number) => void) | undefined;
  /** Must end in the unique field, otherwise pages could lose rows. */
  sort: readonly { key: Name; descending: boolean }[];
  limit?: number | undefined;
  /** The last row before the first page. No field of the order may be sealed. */
  after?: Row | undefined;
  limits?: Partial<SliceLimits> | undefined;
  prepare?: boolean | undefined;
}

/** Rows whose sort keys are kept while a table is scanned. For more rows, the table is scanned again. */
const MAX_SORTED = 10_000;
/** What one statement of a scan without a filter reads: only the sort keys of each row. */
const UNFILTERED: SliceLimits = { rows: 2_000, bytes: 8 * 1024 * 1024 };
/** Most rows and bytes of a page that was sorted. */
const PAGE: SliceLimits = { rows: 500, bytes: 256 * 1024 };

/**
 * Pages of rows in the wanted order; a page can be empty. An order without an index is made in memory, from the
 * beginnings of the sort keys, if rows are filtered there, and on the embedded database, which would keep others
 * waiting.
 */
export function rowsInOrder<Row, DbRow extends object, Name extends string>(
  db: Database,
  table: OrderedTable<Row, DbRow, Name>,
  query: OrderedQuery<Row, Name>,
  { maxSorted = MAX_SORTED } = {},
): AsyncGenerator<Row[], void, void> {
  const canSort = db.kind === 'postgres' && query.matching === undefined;
  return canSort || isIndexed(table, query.sort)
    ? rowsOfSlices(db, table, query)
    : new SortedRows(db, table, query, maxSorted).pages();
}

function isIndexed<Name extends string>(
  { indexed }: { indexed: readonly Name[] },
  sort: OrderedQuery<never, Name>['sort'],
): boolean {
  if (sort.length !== indexed.length) return false;
  return sort.every(({ key, descending }, index) => key === indexed[index] && descending === sort[0]?.descending);
}

async function* rowsOfSlices<Row, DbRow extends object, Name extends string>(
  db: Database,
  table: OrderedTable<Row, DbRow, Name>,
  { bounds, filter, matching, onRead, sort, limit = Infinity, after, limits, prepare }: OrderedQuery<Row, Name>,
): AsyncGenerator<Row[], void, void> {
  const keys = sort.map(({ key, descending }) => ({ ...orderOf(table.fields[key]), descending }));
  const { columns, joins } = table;
  const slices = readSlices<DbRow>(
    db,
    { ...table, keys },
    { bounds, filter, columns, joins, prepare, limits, isBounded: matching !== undefined, wanted: limit },
    after && keys.map(({ of }) => of(after)),
  );
  let left = limit;
  if (left <= 0) return;
  for await (const slice of slices) {
    const read = await convertInPieces(slice, table.toRow, charactersIn);
    const found = matching ? await matching(read) : read;
    onRead?.(found.length);
    yield found.slice(0, left);
    left -= found.length;
    if (left <= 0) return;
  }
}

/** A row while the table is scanned. */
interface Candidate {
  id: string;
  key: SortKey;
  bytes: number;
}

type ScannedRow<DbRow> = DbRow & { row_id: string; sort_key: SortKey; row_bytes: number };

class SortedRows<Row, DbRow extends object, Name extends string> {
  readonly #unique: string;
  readonly #compare: (a: SortKey, b: SortKey) => number;

  constructor(
    private readonly db: Database,
    private readonly table: OrderedTable<Row, DbRow, Name>,
    private readonly query: OrderedQuery<Row, Name>,
    private readonly maxSorted: number,
  ) {
    this.#unique = table.fields[table.unique].sql;
    const directions = query.sort.map(({ descending }) => descending);
    this.#compare = (a, b) => compareSortKeys(a, b, directions);
  }

  async *pages(): AsyncGenerator<Row[], void, void> {
    const { limit = Infinity } = this.query;
    let after: SortKey | undefined = this.query.after && this.#keyOf(this.query.after);
    for (let left = limit; left > 0;) {
      const wanted = Math.min(left, this.maxSorted);
      const first = yield* this.#scan(wanted, after);
      for (const page of pagesBySize(first)) yield await this.#read(page);
      if (first.length < wanted) return;
      left -= wanted;
      after = first.at(-1)?.key;
    }
  }

  /** Yields an empty page after each statement, and returns the first rows in their order. */
  async *#scan(wanted: number, after: SortKey | undefined): AsyncGenerator<Row[], Candidate[], void> {
    const { bounds, filter, matching, onRead, limits } = this.query;
    const slices = readSlices<ScannedRow<DbRow>>(
      this.db,
      { ...this.table, keys: this.#indexKeys() },
      {
        bounds,
        filter,
        columns: [...(matching ? [this.table.columns] : []), this.#scannedColumns()].join(', '),
        joins: this.table.joins,
        limits: filter === undefined && matching === undefined ? UNFILTERED : limits,
        isBounded: true,
      },
    );
    let first: Candidate[] = [];
    for await (const slice of slices) {
      const found = await this.#matched(slice);
      onRead?.(found.length);
      for (const row of found) {
        if (after && this.#compare(row.sort_key, after) <= 0) continue;
        first.push({ id: row.row_id, key: row.sort_key, bytes: row.row_bytes });
      }
      if (first.length >= 2 * wanted) first = this.#firstOf(first, wanted);
      yield [];
    }
    return this.#firstOf(first, wanted);
  }

  #keyOf(row: Row): SortKey {
    return this.query.sort.map(({ key }) => sortKeyOf(this.table.fields[key], row));
  }

  #firstOf(rows: Candidate[], wanted: number): Candidate[] {
    return rows.sort((a, b) => this.#compare(a.key, b.key)).slice(0, wanted);
  }

  async #matched(slice: readonly ScannedRow<DbRow>[]): Promise<readonly ScannedRow<DbRow>[]> {
    const { matching } = this.query;
    if (!matching) return slice;
    const rows = slice.map(this.table.toRow);
    const found = new Set(await matching(rows));
    return slice.filter((_, index) => found.has(rows[index] as Row));
  }

  #indexKeys(): OrderKey[] {
    return this.table.indexed.map((key) => ({ ...orderOf(this.table.fields[key]), descending: true }));
  }

  #scannedColumns(): string {
    const keys = this.query.sort.map(({ key }) => sortKeySql(this.table.fields[key]));
    return `${this.#unique} as row_id, json_build_array(${keys.join(', ')}) as sort_key,
      (${this.table.bytes})::int as row_bytes`;
  }

  /** Rows that were deleted since the scan are absent. */
  async #read(page: readonly Candidate[]): Promise<Row[]> {
    const { columns, joins, toRow } = this.table;
    const wanted = { id: this.#unique, ids: page.map(({ id }) => id) };
    const { bounds } = this.query;
    const rows = await readByIds<DbRow & { row_id: string }>(this.db, this.table, wanted, {
      bounds,
      columns: `${columns}, ${this.#unique} as row_id`,
      joins,
    });
    const byId = new Map(rows.map((row) => [row.row_id, toRow(row)]));
    return page.map(({ id }) => byId.get(id)).filter((row) => row !== undefined);
  }
}

function* pagesBySize(rows: readonly Candidate[]): Iterable<Candidate[]> {
  let page: Candidate[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (page.length > 0 && (page.length >= PAGE.rows || bytes + row.bytes > PAGE.bytes)) {
      yield page;
      page = [];
      bytes = 0;
    }
    page.push(row);
    bytes += row.bytes;
  }
  if (page.length > 0) yield page;
}

import { yieldToEventLoop } from '../../async/event-loop.js';
import { ALARM_COLUMNS, ALARM_TABLES, toAlarm, type AlarmRow, type StoredAlarm } from '../alarms/alarm-row.js';
import { filterTerms, orderOf, type ComplexFilter, type Fields } from './complex-filter.js';
import { matchesFilter } from './complex-filter-match.js';
import { filterSql } from './complex-filter-sql.js';
import { Conditions, orderBy } from '../conditions.js';
import type { Database } from '../database.js';
import { HISTORY_WRITTEN, toEntry, type HistoryEntry, type HistoryRow } from '../alarms/history-row.js';
import { ALARM_FIELDS, HISTORY_FIELDS, type AlarmFieldName, type HistoryFieldName } from './query-fields.js';
import { restrictToScope, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';

/** A query with a filter of any form. */
export interface ComplexQuery<Name extends string> {
  filter?: ComplexFilter<Name> | undefined;
  /** Must end in a unique key, otherwise pages could lose rows. */
  sort: readonly { key: Name; descending: boolean }[];
  limit?: number | undefined;
}

export type ComplexQueryStore = ReturnType<typeof createComplexQueryStore>;

/** Rows that one statement reads. */
const PAGE = 500;

/**
 * Complex queries of the API. The results are pages, each read by its own statement when the caller iterates to it.
 * Pages can be empty.
 */
export function createComplexQueryStore(db: Database, sealer: Sealer, { pageSize = PAGE }: { pageSize?: number } = {}) {
  return {
    alarms: (scope: Scope, query: ComplexQuery<AlarmFieldName>): AsyncIterable<StoredAlarm[]> =>
      pagesOf(ALARMS, query, { db, sealer, scope, pageSize }),
    /** Reads entries of all alarms, also of deleted ones. */
    history: (scope: Scope, query: ComplexQuery<HistoryFieldName>): AsyncIterable<HistoryEntry[]> =>
      pagesOf(HISTORY, query, { db, sealer, scope, pageSize }),
  };
}

interface RowSource<Row, DbRow, Name extends string> {
  columns: string;
  tables: string;
  /** The column with the owner's project. */
  owner: string;
  always?: string;
  fields: Fields<Row, Name>;
  toRow: (row: DbRow, sealer: Sealer) => Row;
}

const ALARMS: RowSource<StoredAlarm, AlarmRow, AlarmFieldName> = {
  columns: ALARM_COLUMNS,
  tables: ALARM_TABLES,
  owner: 'a.project_id',
  always: 'a.deleted_at is null',
  fields: ALARM_FIELDS,
  toRow: toAlarm,
};

const HISTORY: RowSource<HistoryEntry, HistoryRow, HistoryFieldName> = {
  columns: HISTORY_WRITTEN.names,
  tables: 'alarm_history',
  owner: 'on_behalf_of',
  fields: HISTORY_FIELDS,
  toRow: toEntry,
};

interface ReadOptions {
  db: Database;
  sealer: Sealer;
  scope: Scope;
  pageSize: number;
}

async function* pagesOf<Row, DbRow, Name extends string>(
  source: RowSource<Row, DbRow, Name>,
  query: ComplexQuery<Name>,
  options: ReadOptions,
): AsyncIterable<Row[]> {
  const { filter } = query;
  const isFilteredInMemory =
    filter !== undefined &&
    filterTerms(filter).some(({ kind, field }) => kind === 'matches' || source.fields[field].sealed !== undefined);
  let after: readonly unknown[] | undefined;
  for (let left = query.limit ?? Infinity; left > 0;) {
    // With a filter in memory, the number of rows to read is unknown.
    const size = isFilteredInMemory ? options.pageSize : Math.min(left, options.pageSize);
    const { rows, last } = await page(source, query, { ...options, pageSize: size }, after);
    const found = isFilteredInMemory ? await filtered(rows, filter, source.fields) : rows;
    yield found.slice(0, left);
    if (rows.length < size) return;
    left -= found.length;
    after = last;
  }
}

async function page<Row, DbRow, Name extends string>(
  { columns, tables, owner, always, fields, toRow }: RowSource<Row, DbRow, Name>,
  { filter, sort }: ComplexQuery<Name>,
  { db, sealer, scope, pageSize }: ReadOptions,
  after: readonly unknown[] | undefined,
): Promise<{ rows: Row[]; last: unknown[] | undefined }> {
  const conditions = new Conditions();
  if (always !== undefined) conditions.add(always);
  restrictToScope(scope, owner, conditions);
  if (filter) conditions.add(filterSql(filter, { fields, conditions }));
  const keys = sort.map(({ key, descending }) => ({ ...orderOf(fields[key]), descending }));
  if (after !== undefined) conditions.after(keys, after);
  // The keys are read from the database, since it orders by a part of a sealed value.
  const selected = [columns, ...keys.map(({ sql }, index) => `${sql} as "key${index}"`)].join(', ');
  const text = `select ${selected} from ${tables} ${conditions.where()} ${orderBy(keys)} ${conditions.limit(pageSize)}`;
  const { rows } = await db.query<DbRow & Record<string, unknown>>(text, conditions.parameters, { prepare: false });
  const lastRow = rows.at(-1);
  return {
    rows: rows.map((row) => toRow(row, sealer)),
    last: lastRow && keys.map((_, index) => lastRow[`key${index}`]),
  };
}

async function filtered<Row, Name extends string>(
  rows: readonly Row[],
  filter: ComplexFilter<Name>,
  fields: Fields<Row, Name>,
): Promise<Row[]> {
  const found: Row[] = [];
  for (const row of rows) {
    // A long text can take milliseconds, so other requests get the event loop between rows.
    await yieldToEventLoop();
    if (matchesFilter(filter, fields, row) === true) found.push(row);
  }
  return found;
}

import { yieldToEventLoop } from '../../async/event-loop.js';
import { AppError } from '../../errors.js';
import { alarmTable, boundAlarms } from '../alarms/alarm-list-store.js';
import type { AlarmRow, StoredAlarm } from '../alarms/alarm-row.js';
import { historyTable } from '../alarms/history-store.js';
import type { HistoryEntry, HistoryRow } from '../alarms/history-row.js';
import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';
import { SLICE_LIMITS, type SliceLimits } from '../slices.js';
import { filterTerms, requiredTerms, type ComplexFilter, type Fields, type FilterTerm } from './complex-filter.js';
import { matchesFilter, type MatchedTexts } from './complex-filter-match.js';
import { filterSql } from './complex-filter-sql.js';
import { testTexts, type TestTexts } from './matched-texts.js';
import type { AlarmFieldName, HistoryFieldName } from './query-fields.js';
import { rowsInOrder, type OrderedTable } from './rows-in-order.js';

/** A query with a filter of any form. */
export interface ComplexQuery<Name extends string> {
  filter?: ComplexFilter<Name> | undefined;
  /** Must end in a unique key, otherwise pages could lose rows. */
  sort: readonly { key: Name; descending: boolean }[];
  limit?: number | undefined;
}

export type ComplexQueryStore = ReturnType<typeof createComplexQueryStore>;

/** Options of complex queries. */
export interface ComplexQueryOptions {
  /** Rows that one statement reads at most. */
  pageSize?: number | undefined;
  /** Rows that may be read since the last one that was a result. */
  maxFruitlessRows?: number;
  /** Tests texts against regular expressions. */
  testTexts?: TestTexts;
  maxSorted?: number;
}

/** With rows so long that statements read fewer of them: about 250 MiB. */
const MAX_FRUITLESS_ROWS = 500_000;

/**
 * Complex queries of the API. The results are pages, each read by its own statement when the caller iterates to it.
 * Pages can be empty.
 * @throws AppError `unavailable`, while pages are read, if too many rows were read and no result is among them.
 */
export function createComplexQueryStore(db: Database, sealer: Sealer, options: ComplexQueryOptions = {}) {
  const alarms: QueriedTable<StoredAlarm, AlarmRow, AlarmFieldName> = {
    ...alarmTable(sealer),
    leading: 'project_id',
    bound: boundAlarms,
    restrict: (conditions, scope) => restrictToScope(scope, 'a.project_id', conditions),
  };
  const history: QueriedTable<HistoryEntry, HistoryRow, HistoryFieldName> = {
    ...historyTable(sealer),
    leading: 'alarm_id',
    bound: (conditions, scope) => restrictToScope(scope, 'on_behalf_of', conditions),
    restrict: (conditions, scope) => restrictToScope(scope, 'on_behalf_of', conditions),
  };
  return {
    alarms: (scope: Scope, query: ComplexQuery<AlarmFieldName>): AsyncIterable<StoredAlarm[]> =>
      pagesOf(alarms, query, { ...options, db, scope }),
    /** Reads entries of all alarms, also of deleted ones. */
    history: (scope: Scope, query: ComplexQuery<HistoryFieldName>): AsyncIterable<HistoryEntry[]> =>
      pagesOf(history, query, { ...options, db, scope }),
  };
}

interface QueriedTable<Row, DbRow, Name extends string> extends OrderedTable<Row, DbRow, Name> {
  /** The field before the fields of `indexed` in an index of its own. */
  leading: Name;
  /** Adds the conditions that an index with the owner's project answers. */
  bound: (conditions: Conditions, scope: Scope) => void;
  /** Adds the condition on the owner's project. */
  restrict: (conditions: Conditions, scope: Scope) => void;
}

interface ReadOptions extends ComplexQueryOptions {
  db: Database;
  scope: Scope;
}

function pagesOf<Row, DbRow extends object, Name extends string>(
  table: QueriedTable<Row, DbRow, Name>,
  { filter, sort, limit }: ComplexQuery<Name>,
  { db, scope, pageSize, maxFruitlessRows = MAX_FRUITLESS_ROWS, testTexts: test = testTexts, maxSorted }: ReadOptions,
): AsyncIterable<Row[]> {
  const { fields } = table;
  const isInMemory = filter !== undefined && isDecidedInMemory(filter, fields);
  const limits = limitsFor(filter);
  const most = { ...limits, rows: pageSize ?? limits.rows };
  const budget = new FruitlessBudget(Math.max(1, Math.floor(maxFruitlessRows / most.rows)));
  const isOne = filter !== undefined && isEqual(filter, table.unique);
  return rowsInOrder(
    db,
    isOne ? { ...table, indexed: [table.unique] } : table,
    {
      bounds: (conditions) => addBounds(conditions, table, { scope, filter }),
      filter:
        filter &&
        ((conditions) => {
          table.restrict(conditions, scope);
          conditions.add(filterSql(filter, { fields, conditions }));
        }),
      matching: isInMemory ? (rows) => filtered(rows, filter, { fields, test }) : undefined,
      onRead: (found) => budget.spend(found),
      sort: isOne ? [{ key: table.unique, descending: true }] : sort,
      limit,
      limits: most,
      prepare: filter === undefined,
    },
    maxSorted === undefined ? {} : { maxSorted },
  );
}

/** SQL gets neither regular expressions nor sealed values. */
function isDecidedInMemory<Row, Name extends string>(filter: ComplexFilter<Name>, fields: Fields<Row, Name>): boolean {
  return filterTerms(filter).some(({ kind, field }) => kind === 'matches' || fields[field].sealed !== undefined);
}

/** Adds what one index answers: the scope and the times, or the leading field and the times. */
function addBounds<Row, DbRow, Name extends string>(
  conditions: Conditions,
  table: QueriedTable<Row, DbRow, Name>,
  { scope, filter }: { scope: Scope; filter: ComplexFilter<Name> | undefined },
): void {
  const { fields, leading, unique } = table;
  const hasLeading = filter !== undefined && isEqual(filter, leading);
  table.bound(conditions, hasLeading ? { all: true } : scope);
  for (const term of filter ? requiredTerms(filter) : []) {
    if (term.kind !== 'compare' || term.operator === '!=') continue;
    const isText = term.field === leading || term.field === unique;
    if (isText ? term.operator === '=' : fields[term.field].kind === 'timestamp' && table.indexed.includes(term.field))
      conditions.add(filterSql<Row, Name>(term, { fields, conditions }));
  }
}

/** True if all results have one value of the field. */
function isEqual<Name extends string>(filter: ComplexFilter<Name>, name: Name): boolean {
  return requiredTerms(filter).some(
    (term: FilterTerm<Name>) => term.field === name && term.kind === 'compare' && term.operator === '=',
  );
}

/** Counts the statements since the last one that found something. */
class FruitlessBudget {
  #spent = 0;

  constructor(private readonly most: number) {}

  spend(found: number): void {
    this.#spent = found > 0 ? 0 : this.#spent + 1;
    if (this.#spent < this.most) return;
    throw new AppError(
      'unavailable',
      'The query reads too many rows that do not match its filter: compare fields with = or <, or ask for one project',
    );
  }
}

/** Steps of comparisons that one statement may take: the bytes of its rows times the cost of the filter. */
const MOST_STEPS = 20_000_000;
const LEAST_BYTES = 4 * 1024;

/**
 * LIKE takes up to one step for each character of the text and of the pattern, and `in` on a list one for each pair of
 * members. The embedded database takes some 10 ns for a step.
 */
function limitsFor<Name extends string>(filter: ComplexFilter<Name> | undefined): SliceLimits {
  const { rows, bytes } = SLICE_LIMITS;
  const cost = filter ? filterTerms(filter).reduce((sum, term) => sum + costOf(term), 0) : 0;
  return { rows, bytes: Math.min(bytes, Math.max(LEAST_BYTES, Math.floor(MOST_STEPS / Math.max(1, cost)))) };
}

const COST_OF_ONE = 16;

function costOf<Name extends string>(term: ReturnType<typeof filterTerms<Name>>[number]): number {
  if (term.kind === 'like') return COST_OF_ONE + term.pattern.length;
  return term.kind === 'in' ? COST_OF_ONE + term.values.length : COST_OF_ONE;
}

async function filtered<Row, Name extends string>(
  rows: readonly Row[],
  filter: ComplexFilter<Name>,
  { fields, test }: { fields: Fields<Row, Name>; test: TestTexts },
): Promise<Row[]> {
  const matched = await matchedTexts(rows, filter, { fields, test });
  const found: Row[] = [];
  for (const row of rows) {
    // Many comparisons of a long text take milliseconds, so other requests get the event loop between rows.
    await yieldToEventLoop();
    if (matchesFilter(filter, fields, row, matched) === true) found.push(row);
  }
  return found;
}

/** Tests all texts of the rows against the patterns of the filter. */
async function matchedTexts<Row, Name extends string>(
  rows: readonly Row[],
  filter: ComplexFilter<Name>,
  { fields, test }: { fields: Fields<Row, Name>; test: TestTexts },
): Promise<MatchedTexts> {
  const results = new Map<string, ReadonlySet<string>>();
  for (const term of filterTerms(filter)) {
    if (term.kind !== 'matches') continue;
    const texts = [...new Set(rows.flatMap((row) => textsOf(fields, term.field, row)))];
    const truths = await test(term.pattern, texts);
    const matching = texts.filter((_, index) => truths[index]);
    results.set(term.pattern.source, new Set([...(results.get(term.pattern.source) ?? []), ...matching]));
  }
  return (pattern, text) => results.get(pattern.source)?.has(text) ?? false;
}

function textsOf<Row, Name extends string>(fields: Fields<Row, Name>, name: Name, row: Row): readonly string[] {
  const value = fields[name].of(row);
  if (value === null) return [];
  return Array.isArray(value) ? (value as string[]) : [String(value)];
}

import type { Database, Sql } from '../database.js';
import { HISTORY_WRITTEN, historyParameters, toEntry, type HistoryEntry, type HistoryRow } from './history-row.js';
import { HISTORY_FIELDS, type HistoryFieldName } from '../queries/query-fields.js';
import { rowsInOrder, type OrderedTable } from '../queries/rows-in-order.js';
import { restrictToScope, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';
import { textBytes } from '../slices.js';

export type { HistoryEntry, HistoryType } from './history-row.js';

/** Fields of the API by which history entries can be sorted. */
export const HISTORY_SORT_KEYS = [
  'event_id',
  'alarm_id',
  'on_behalf_of',
  'project_id',
  'user_id',
  'type',
  'timestamp',
  'severity',
] as const;
export type HistorySortKey = (typeof HISTORY_SORT_KEYS)[number];

/** Conditions that must all hold. */
export interface HistoryFilter {
  eventId?: string;
  type?: string;
  severity?: string;
  userId?: string;
  projectId?: string;
  /** Bounds of the timestamp, by operator. */
  timestamps?: readonly { op: 'lt' | 'le' | 'gt' | 'ge'; at: Date }[];
}

/** A list of an alarm's history. */
export interface HistoryQuery {
  filter: HistoryFilter;
  sort: readonly { key: HistorySortKey; descending: boolean }[];
  limit?: number | undefined;
  /** The entry before the first one of the list. */
  after?: HistoryEntry | undefined;
}

export type HistoryStore = ReturnType<typeof createHistoryStore>;

/** The history that API users read. */
export function createHistoryStore(db: Database, sealer: Sealer) {
  return {
    /** Pages of the entries of one alarm that the scope may read. A page can be empty. */
    list: (scope: Scope, alarmId: string, query: HistoryQuery): AsyncIterable<HistoryEntry[]> =>
      list({ db, sealer }, scope, alarmId, query),
  };
}

const APPEND = `insert into alarm_history (${HISTORY_WRITTEN.names}) values (${HISTORY_WRITTEN.parameters()})`;

/** Adds an entry. Call in the transaction that changes the alarm. */
export async function appendHistory(tx: Sql, entry: HistoryEntry, sealer: Sealer): Promise<void> {
  await tx.query(APPEND, historyParameters(entry, sealer));
}

const COMPARISONS = { lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/** History entries. Indexes have them by time, for each alarm and for each owner. */
export const historyTable = (sealer: Sealer): OrderedTable<HistoryEntry, HistoryRow, HistoryFieldName> => ({
  table: 'alarm_history',
  alias: 'alarm_history',
  columns: HISTORY_WRITTEN.names,
  joins: '',
  bytes: `${textBytes('detail')} + ${textBytes('sealed_detail')}`,
  fields: HISTORY_FIELDS,
  unique: 'event_id',
  indexed: ['timestamp', 'event_id'],
  toRow: (row) => toEntry(row, sealer),
});

function list(
  { db, sealer }: { db: Database; sealer: Sealer },
  scope: Scope,
  alarmId: string,
  { filter, ...order }: HistoryQuery,
): AsyncGenerator<HistoryEntry[], void, void> {
  const { eventId, timestamps = [], ...others } = filter;
  const isOne = eventId !== undefined;
  const table = historyTable(sealer);
  return rowsInOrder(db, isOne ? { ...table, indexed: ['event_id'] } : table, {
    ...order,
    ...(isOne ? { sort: [{ key: 'event_id', descending: true }] } : {}),
    bounds: (conditions) => {
      conditions.equal('alarm_id', alarmId, 'text');
      conditions.equal('event_id', eventId, 'text');
      for (const { op, at } of timestamps) {
        conditions.add(`timestamp ${COMPARISONS[op]} ${conditions.parameter(at, 'timestamptz')}`);
      }
    },
    filter: (conditions) => {
      restrictToScope(scope, 'on_behalf_of', conditions);
      conditions.equal('type', others.type, 'text');
      conditions.equal('severity', others.severity, 'text');
      conditions.equal('user_id', others.userId, 'text');
      conditions.equal('project_id', others.projectId, 'text');
    },
  });
}

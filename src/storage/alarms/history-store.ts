import { Conditions, orderBy } from '../conditions.js';
import type { Database, Sql } from '../database.js';
import { HISTORY_WRITTEN, historyParameters, toEntry, type HistoryEntry, type HistoryRow } from './history-row.js';
import { orderOf } from '../queries/complex-filter.js';
import { HISTORY_FIELDS } from '../queries/query-fields.js';
import { restrictToScope, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';

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

/** One page of an alarm's history. */
export interface HistoryQuery {
  filter: HistoryFilter;
  sort: readonly { key: HistorySortKey; descending: boolean }[];
  limit?: number | undefined;
  /** The last entry of the previous page. */
  after?: HistoryEntry | undefined;
}

export type HistoryStore = ReturnType<typeof createHistoryStore>;

/** The history that API users read. */
export function createHistoryStore(db: Database, sealer: Sealer) {
  return {
    /** Lists the entries of one alarm that the scope may read. */
    list: async (scope: Scope, alarmId: string, query: HistoryQuery): Promise<HistoryEntry[]> =>
      (await list(db, scope, alarmId, query)).map((row) => toEntry(row, sealer)),
  };
}

const APPEND = `insert into alarm_history (${HISTORY_WRITTEN.names}) values (${HISTORY_WRITTEN.parameters()})`;

/** Adds an entry. Call in the transaction that changes the alarm. */
export async function appendHistory(tx: Sql, entry: HistoryEntry, sealer: Sealer): Promise<void> {
  await tx.query(APPEND, historyParameters(entry, sealer));
}

const COMPARISONS = { lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

async function list(
  db: Sql,
  scope: Scope,
  alarmId: string,
  { filter, sort, limit, after }: HistoryQuery,
): Promise<HistoryRow[]> {
  const conditions = new Conditions();
  conditions.equal('alarm_id', alarmId, 'text');
  restrictToScope(scope, 'on_behalf_of', conditions);
  conditions.equal('event_id', filter.eventId, 'text');
  conditions.equal('type', filter.type, 'text');
  conditions.equal('severity', filter.severity, 'text');
  conditions.equal('user_id', filter.userId, 'text');
  conditions.equal('project_id', filter.projectId, 'text');
  for (const { op, at } of filter.timestamps ?? []) {
    conditions.add(`timestamp ${COMPARISONS[op]} ${conditions.parameter(at, 'timestamptz')}`);
  }
  const keys = sort.map(({ key, descending }) => ({ ...orderOf(HISTORY_FIELDS[key]), descending }));
  if (after)
    conditions.after(
      keys,
      keys.map(({ of }) => of(after)),
    );
  const { rows } = await db.query<HistoryRow>(
    `select ${HISTORY_WRITTEN.names} from alarm_history
     ${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows;
}

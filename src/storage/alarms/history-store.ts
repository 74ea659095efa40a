import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { Conditions, orderBy, type OrderKey, type SqlType } from '../conditions.js';
import type { Database, Sql } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { columnsOf, WrittenColumns, type RowOf } from '../written-columns.js';

/** Kinds of history entries, as Aodh names them. */
export type HistoryType = 'creation' | 'rule change' | 'state transition' | 'deletion';

/** One entry of an alarm's history. It remains after the alarm is deleted. */
export interface HistoryEntry {
  eventId: string;
  alarmId: string;
  type: HistoryType;
  /** JSON text in the format of Python's `json.dumps`. */
  detail: string;
  /** Project and user that changed the alarm. */
  projectId: string | null;
  userId: string | null;
  /** Project of the alarm, whose users may read the entry. */
  onBehalfOf: string | null;
  severity: Severity | null;
  timestamp: Date;
  /** Set if the entry changed the state: the new state version, and the previous state. */
  stateVersion: number | null;
  previousState: AlarmState | null;
}

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
export function createHistoryStore(db: Database) {
  return {
    /** Lists the entries of one alarm that the scope may read. */
    list: (scope: Scope, alarmId: string, query: HistoryQuery): Promise<HistoryEntry[]> =>
      list(db, scope, alarmId, query),
  };
}

const column = columnsOf<HistoryEntry>();

const COLUMNS = {
  event_id: column('text', ({ eventId }) => eventId),
  alarm_id: column('text', ({ alarmId }) => alarmId),
  type: column('text', ({ type }) => type),
  detail: column('text', ({ detail }) => detail),
  project_id: column('text', ({ projectId }) => projectId),
  user_id: column('text', ({ userId }) => userId),
  on_behalf_of: column('text', ({ onBehalfOf }) => onBehalfOf),
  severity: column('text', ({ severity }) => severity),
  timestamp: column('timestamptz', ({ timestamp }) => timestamp),
  state_version: column('bigint', ({ stateVersion }) => stateVersion),
  previous_state: column('text', ({ previousState }) => previousState),
};

/** The columns of an entry, which are all written and read back. */
export const HISTORY_WRITTEN = new WrittenColumns(COLUMNS);
/** A row of these columns. */
export type HistoryRow = RowOf<typeof COLUMNS>;

const APPEND = `insert into alarm_history (${HISTORY_WRITTEN.names}) values (${HISTORY_WRITTEN.parameters()})`;

/** Adds an entry. Call in the transaction that changes the alarm. */
export async function appendHistory(tx: Sql, entry: HistoryEntry): Promise<void> {
  await tx.query(APPEND, HISTORY_WRITTEN.values(entry));
}

const COMPARISONS = { lt: '<', le: '<=', gt: '>', ge: '>=' } as const;
const SEVERITY_RANK = `coalesce(array_position(array['low', 'moderate', 'critical'], severity), 0)`;
const SORT: Record<HistorySortKey, { sql: string; type: SqlType; of: (entry: HistoryEntry) => unknown }> = {
  event_id: { sql: 'event_id', type: 'text', of: ({ eventId }) => eventId },
  alarm_id: { sql: 'alarm_id', type: 'text', of: ({ alarmId }) => alarmId },
  on_behalf_of: { sql: `coalesce(on_behalf_of, '')`, type: 'text', of: ({ onBehalfOf }) => onBehalfOf ?? '' },
  project_id: { sql: `coalesce(project_id, '')`, type: 'text', of: ({ projectId }) => projectId ?? '' },
  user_id: { sql: `coalesce(user_id, '')`, type: 'text', of: ({ userId }) => userId ?? '' },
  type: { sql: 'type', type: 'text', of: ({ type }) => type },
  timestamp: { sql: 'timestamp', type: 'timestamptz', of: ({ timestamp }) => timestamp },
  severity: {
    sql: SEVERITY_RANK,
    type: 'integer',
    of: ({ severity }) => ['low', 'moderate', 'critical'].indexOf(severity ?? '') + 1,
  },
};

async function list(
  db: Sql,
  scope: Scope,
  alarmId: string,
  { filter, sort, limit, after }: HistoryQuery,
): Promise<HistoryEntry[]> {
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
  const keys: OrderKey[] = sort.map(({ key, descending }) => ({ ...SORT[key], descending }));
  if (after)
    conditions.after(
      keys,
      sort.map(({ key }) => SORT[key].of(after)),
    );
  const { rows } = await db.query<HistoryRow>(
    `select ${HISTORY_WRITTEN.names} from alarm_history
     ${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map(toEntry);
}

/** Converts a row to an entry. */
export function toEntry(row: HistoryRow): HistoryEntry {
  return {
    eventId: row.event_id,
    alarmId: row.alarm_id,
    type: row.type,
    detail: row.detail,
    projectId: row.project_id,
    userId: row.user_id,
    onBehalfOf: row.on_behalf_of,
    severity: row.severity,
    timestamp: row.timestamp,
    stateVersion: row.state_version,
    previousState: row.previous_state,
  };
}

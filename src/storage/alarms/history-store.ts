import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { Conditions, orderBy, type OrderKey, type SqlType } from '../conditions.js';
import type { Database, Sql } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';

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

const APPEND = `insert into alarm_history
  (event_id, alarm_id, type, detail, project_id, user_id, on_behalf_of, severity, timestamp, state_version,
    previous_state)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`;

/** Adds an entry. Call in the transaction that changes the alarm. */
export async function appendHistory(tx: Sql, entry: HistoryEntry): Promise<void> {
  await tx.query(APPEND, historyParameters(entry));
}

/** Returns the parameters of a statement that inserts an entry, in the order of its columns. */
export function historyParameters(entry: HistoryEntry): unknown[] {
  return [
    entry.eventId,
    entry.alarmId,
    entry.type,
    entry.detail,
    entry.projectId,
    entry.userId,
    entry.onBehalfOf,
    entry.severity,
    entry.timestamp,
    entry.stateVersion,
    entry.previousState,
  ];
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
    `select ${HISTORY_COLUMNS} from alarm_history ${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map(toEntry);
}

/** SQL for the columns of `HistoryRow`. */
export const HISTORY_COLUMNS =
  'event_id, alarm_id, type, detail, project_id, user_id, on_behalf_of, ' +
  'severity, timestamp, state_version, previous_state';

/** A row of `HISTORY_COLUMNS`. */
export interface HistoryRow {
  event_id: string;
  alarm_id: string;
  type: HistoryType;
  detail: string;
  project_id: string | null;
  user_id: string | null;
  on_behalf_of: string | null;
  severity: Severity | null;
  timestamp: Date;
  state_version: number | null;
  previous_state: AlarmState | null;
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

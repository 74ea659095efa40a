import type { Severity } from '../../alarm/alarm.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import type { AlarmState } from '../../alarm/state.js';
import { parseStoredRule, type AlarmKind, type AlarmRule } from '../../alarm/types/index.js';
import { firstRows } from '../../async/pages.js';
import type { Database } from '../database.js';
import type { NotificationStatus } from '../notifications/notification-status.js';
import type { Fields } from '../queries/complex-filter.js';
import { rowsInOrder, type OrderedTable } from '../queries/rows-in-order.js';
import type { Scope } from '../scope.js';
import { readSlices, textBytes, type SliceLimits, type SlicedTable } from '../slices.js';
import { parseStoredOptions } from './alarm-row.js';
import { countAlarms, type AlarmCounts } from './alarm-counts.js';
import { boundListedAlarms, listedAlarmConditions, type ListedAlarmFilter } from './listed-alarm-query.js';

/** The keys by which listed alarms are sorted. */
export const LISTED_ALARM_SORT_KEYS = ['name', 'state', 'severity', 'state_since', 'type', 'alarm_id'] as const;
export type ListedAlarmSortKey = (typeof LISTED_ALARM_SORT_KEYS)[number];

/** The values of a listed alarm's sort keys; `state_since` is an ISO text. */
export type AlarmPosition = Readonly<Record<ListedAlarmSortKey, string>>;

/** One page of a list. */
export interface ListedAlarmQuery {
  filter: ListedAlarmFilter;
  /** Must end in `alarm_id`, otherwise pages could lose alarms. */
  sort: readonly { key: ListedAlarmSortKey; descending: boolean }[];
  limit: number;
  /** The position before the first alarm of the page, with the values of these sort keys. */
  after?: Partial<AlarmPosition> | undefined;
  /** When it aborts, the page is incomplete: its reader has left. */
  signal?: AbortSignal | undefined;
}

/**
 * The outcome of the newest transition or repeat that was sent. If it has several actions: of one that failed or has
 * not ended, if there is one.
 */
export interface LastNotification {
  id: string;
  kind: 'transition' | 'repeat';
  status: NotificationStatus;
  host: string;
  attempt: number;
  lastHttpStatus: number | null;
  lastError: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

/** An alarm as lists show it. */
export interface ListedAlarm {
  id: string;
  projectId: string | null;
  name: string;
  rule: AlarmRule;
  options: EvaluationOptions | null;
  severity: Severity;
  enabled: boolean;
  muted: boolean;
  state: AlarmState;
  stateSince: Date;
  stateReason: string;
  /** Null if no notification of the alarm is stored. */
  lastNotification: LastNotification | null;
}

/** One page. */
export interface ListedAlarmPage {
  alarms: ListedAlarm[];
  /** The position of the last alarm; undefined if no page follows. */
  next: AlarmPosition | undefined;
}

export type ListedAlarmStore = ReturnType<typeof createListedAlarmStore>;

/** Lists and counts of alarms, for tables of a page. */
export function createListedAlarmStore(db: Database) {
  return {
    /** One page, in the order of the query. An alarm that is deleted meanwhile is left out. */
    page: (scope: Scope, query: ListedAlarmQuery): Promise<ListedAlarmPage> => page(db, scope, query),

    /** Alarms of a filter by state, type, severity and `enabled`. */
    counts: (scope: Scope, filter: ListedAlarmFilter): Promise<AlarmCounts> => countAlarms(db, scope, filter),
  };
}

type PositionRow = Omit<AlarmPosition, 'state_since'> & { state_since: Date };

const FIELDS: Fields<AlarmPosition, ListedAlarmSortKey> = {
  alarm_id: { kind: 'text', sql: 'a.id', of: ({ alarm_id }) => alarm_id },
  name: { kind: 'text', sql: 'a.name', of: ({ name }) => name },
  state: { kind: 'text', sql: 'a.state', of: ({ state }) => state },
  severity: { kind: 'severity', sql: 'a.severity', of: ({ severity }) => severity },
  state_since: { kind: 'timestamp', sql: 'a.state_timestamp', of: ({ state_since }) => new Date(state_since) },
  type: { kind: 'text', sql: 'a.type', of: ({ type }) => type },
};

/** The sort keys alone are sorted: rules and reasons of all alarms would not fit in memory. */
const POSITIONS: OrderedTable<AlarmPosition, PositionRow, ListedAlarmSortKey> = {
  table: 'alarms a',
  alias: 'a',
  columns: 'a.id as alarm_id, a.name, a.state, a.severity, a.state_timestamp as state_since, a.type',
  joins: '',
  bytes: textBytes('a.name'),
  fields: FIELDS,
  unique: 'alarm_id',
  indexed: ['name', 'alarm_id'],
  toRow: (row) => ({ ...row, state_since: row.state_since.toISOString() }),
};

/** What one statement of a scan reads. */
const SCANNED: SliceLimits = { rows: 2_000, bytes: 8 * 1024 * 1024 };

const NO_POSITION: AlarmPosition = { alarm_id: '', name: '', state: '', severity: '', state_since: '', type: '' };

async function page(
  db: Database,
  scope: Scope,
  { filter, sort, limit, after, signal }: ListedAlarmQuery,
): Promise<ListedAlarmPage> {
  const positions = rowsInOrder(db, POSITIONS, {
    bounds: (conditions) => boundListedAlarms(conditions, scope, filter),
    filter: listedAlarmConditions(filter),
    sort,
    limit: limit + 1,
    after: after && { ...NO_POSITION, ...after },
    limits: SCANNED,
    // A plan for any limit and project would sort all alarms of a large project, instead of following the index.
    prepare: false,
  });
  const found = await firstRows(positions, limit + 1, signal);
  const shown = found.slice(0, limit);
  return {
    alarms: await alarmsAt(db, scope, shown),
    next: found.length > limit ? shown.at(-1) : undefined,
  };
}

/** Newest notifications that are compared. An alarm can have thousands of actions. */
const NEWEST = 10;

const LAST_NOTIFICATION = `
  left join lateral (
    select newest.* from (
      select n.* from notifications n
       where n.alarm_id = a.id and n.kind in ('transition', 'repeat') and n.project_id is not distinct from a.project_id
       order by n.created_at desc, n.id desc limit ${NEWEST}) newest
     order by newest.created_at desc,
       array_position(array['dead', 'in_flight', 'pending', 'superseded', 'cancelled'], newest.status), newest.id
     limit 1
  ) n on true`;

const COLUMNS = `a.id, a.project_id as "projectId", a.name, a.type, a.rule, a.evaluation_options as options, a.severity,
  a.enabled, a.muted, a.state, a.state_timestamp as "stateSince", a.state_reason as "stateReason",
  n.id as "notificationId", n.kind as "notificationKind", n.status, n.host, n.attempt,
  (select t.http_status from attempts t where t.notification_id = n.id order by t.attempt desc limit 1)
    as "lastHttpStatus",
  n.last_error as "lastError", n.created_at as "createdAt", n.finished_at as "finishedAt"`;

const BY_ID: SlicedTable = {
  table: 'alarms a',
  alias: 'a',
  keys: [{ sql: 'a.id', type: 'text', descending: false }],
  bytes: ['a.rule', 'a.state_reason'].map(textBytes).join(' + '),
};

type AlarmAndNotification = Omit<ListedAlarm, 'rule' | 'options' | 'lastNotification'> &
  Omit<LastNotification, 'id' | 'kind'> & {
    type: AlarmKind;
    rule: string;
    options: string | null;
    notificationKind: LastNotification['kind'];
    notificationId: string | null;
  };

async function alarmsAt(db: Database, scope: Scope, positions: readonly AlarmPosition[]): Promise<ListedAlarm[]> {
  if (positions.length === 0) return [];
  const ids = positions.map(({ alarm_id }) => alarm_id);
  const slices = readSlices<AlarmAndNotification>(db, BY_ID, {
    bounds: (conditions) => {
      boundListedAlarms(conditions, scope, {});
      conditions.add(`a.id = any(${conditions.parameter(ids, 'text[]')})`);
    },
    columns: COLUMNS,
    joins: LAST_NOTIFICATION,
    wanted: ids.length,
  });
  const rows = new Map<string, ListedAlarm>();
  for (const row of await firstRows(slices, ids.length)) rows.set(row.id, toListedAlarm(row));
  return ids.flatMap((id) => rows.get(id) ?? []);
}

function toListedAlarm({
  type,
  rule,
  options,
  notificationId,
  notificationKind,
  status,
  host,
  attempt,
  lastHttpStatus,
  lastError,
  createdAt,
  finishedAt,
  ...alarm
}: AlarmAndNotification): ListedAlarm {
  const outcome = { status, host, attempt, lastHttpStatus, lastError, createdAt, finishedAt };
  return {
    ...alarm,
    rule: parseStoredRule(type, rule),
    options: parseStoredOptions(options),
    lastNotification: notificationId === null ? null : { id: notificationId, kind: notificationKind, ...outcome },
  };
}

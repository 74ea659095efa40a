import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { ALARM_FIELDS, type AlarmFieldName } from '../queries/query-fields.js';
import { rowsInOrder, type OrderedTable } from '../queries/rows-in-order.js';
import { restrictToScope, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';
import { textBytes, valueBytes } from '../slices.js';
import { ALARM_COLUMNS, toAlarm, type AlarmRow, type StoredAlarm } from './alarm-row.js';

/** Fields of the API by which alarms can be sorted. */
export const ALARM_SORT_KEYS = [
  'alarm_id',
  'enabled',
  'name',
  'type',
  'severity',
  'timestamp',
  'user_id',
  'project_id',
  'state',
  'repeat_actions',
  'state_timestamp',
] as const;
export type AlarmSortKey = (typeof ALARM_SORT_KEYS)[number];

/** Conditions that must all hold. Null: alarms without that owner. */
export interface AlarmFilter {
  id?: string;
  /** One of these ids. */
  ids?: readonly string[];
  projectId?: string | null;
  userId?: string;
  type?: string;
  name?: string;
  enabled?: boolean;
  state?: string;
  severity?: string;
  timestamp?: Date;
  repeatActions?: boolean;
}

/** A list of alarms. */
export interface AlarmQuery {
  filter: AlarmFilter;
  /** Must end in a unique key, otherwise pages could lose alarms. */
  sort: readonly { key: AlarmSortKey; descending: boolean }[];
  limit?: number | undefined;
  /** The alarm before the first one of the list. */
  after?: StoredAlarm | undefined;
}

/** Alarms that are not deleted. Indexes have them by time, for each project and for all. */
export const alarmTable = (sealer: Sealer): OrderedTable<StoredAlarm, AlarmRow, AlarmFieldName> => ({
  table: 'alarms a',
  alias: 'a',
  columns: ALARM_COLUMNS,
  joins: 'join partitions p on p.id = a.partition',
  bytes: [
    ...['a.rule', 'a.description', 'a.state_reason', 'a.time_constraints', 'a.action_secrets'].map(textBytes),
    ...['a.ok_actions', 'a.alarm_actions', 'a.insufficient_data_actions'].map(valueBytes),
  ].join(' + '),
  fields: ALARM_FIELDS,
  unique: 'alarm_id',
  indexed: ['timestamp', 'alarm_id'],
  toRow: (row) => toAlarm(row, sealer),
});

/** Adds the conditions that the indexes of `alarmTable` answer. */
export function boundAlarms(conditions: Conditions, scope: Scope): void {
  conditions.add('a.deleted_at is null');
  restrictToScope(scope, 'a.project_id', conditions);
}

/** Pages of alarms. */
export function listAlarms(
  { db, sealer }: { db: Database; sealer: Sealer },
  scope: Scope,
  { filter, ...order }: AlarmQuery,
): AsyncGenerator<StoredAlarm[], void, void> {
  const { id, ids, projectId, timestamp, ...others } = filter;
  const hasOthers = Object.keys(others).length > 0;
  const isById = id !== undefined || ids !== undefined;
  const table = alarmTable(sealer);
  return rowsInOrder(db, isById ? { ...table, indexed: ['alarm_id'] } : table, {
    ...order,
    ...(isById ? { sort: [{ key: 'alarm_id', descending: true }] } : {}),
    bounds: (conditions) => {
      boundAlarms(conditions, scope);
      conditions.equal('a.id', id, 'text');
      if (ids !== undefined) conditions.add(`a.id = any(${conditions.parameter(ids, 'text[]')})`);
      conditions.equal('a.project_id', projectId, 'text');
      conditions.equal('a.timestamp', timestamp, 'timestamptz');
    },
    filter: hasOthers ? (conditions) => filterAlarms(conditions, others) : undefined,
  });
}

function filterAlarms(
  conditions: Conditions,
  { userId, type, name, enabled, state, severity, repeatActions }: AlarmFilter,
): void {
  conditions.equal('a.user_id', userId, 'text');
  conditions.equal('a.type', type, 'text');
  conditions.equal('a.name', name, 'text');
  conditions.equal('a.enabled', enabled, 'boolean');
  conditions.equal('a.state', state, 'text');
  conditions.equal('a.severity', severity, 'text');
  conditions.equal('a.repeat_actions', repeatActions, 'boolean');
}

import { Conditions, orderBy } from '../conditions.js';
import type { Sql } from '../database.js';
import { orderOf } from '../queries/complex-filter.js';
import { ALARM_FIELDS } from '../queries/query-fields.js';
import { restrictToScope, type Scope } from '../scope.js';
import { ALARM_COLUMNS, ALARM_TABLES, type AlarmRow, type StoredAlarm } from './alarm-row.js';

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

/** One page of a list of alarms. */
export interface AlarmQuery {
  filter: AlarmFilter;
  /** Must end in a unique key, otherwise pages could lose alarms. */
  sort: readonly { key: AlarmSortKey; descending: boolean }[];
  limit?: number | undefined;
  /** The last alarm of the previous page. */
  after?: StoredAlarm | undefined;
}

/** The rows of one page of the alarms that the scope may read. */
export async function listAlarmRows(
  db: Sql,
  scope: Scope,
  { filter, sort, limit, after }: AlarmQuery,
): Promise<AlarmRow[]> {
  const conditions = new Conditions();
  conditions.add('a.deleted_at is null');
  restrictToScope(scope, 'a.project_id', conditions);
  conditions.equal('a.id', filter.id, 'text');
  conditions.equal('a.project_id', filter.projectId, 'text');
  conditions.equal('a.user_id', filter.userId, 'text');
  conditions.equal('a.type', filter.type, 'text');
  conditions.equal('a.name', filter.name, 'text');
  conditions.equal('a.enabled', filter.enabled, 'boolean');
  conditions.equal('a.state', filter.state, 'text');
  conditions.equal('a.severity', filter.severity, 'text');
  conditions.equal('a.timestamp', filter.timestamp, 'timestamptz');
  conditions.equal('a.repeat_actions', filter.repeatActions, 'boolean');
  const keys = sort.map(({ key, descending }) => ({ ...orderOf(ALARM_FIELDS[key]), descending }));
  if (after)
    conditions.after(
      keys,
      keys.map(({ of }) => of(after)),
    );
  const { rows } = await db.query<AlarmRow>(
    `select ${ALARM_COLUMNS} from ${ALARM_TABLES} ${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows;
}

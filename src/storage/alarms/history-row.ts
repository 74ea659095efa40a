import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
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

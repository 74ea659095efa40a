import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import type { Sealer, SecretLocation } from '../secrets/sealed.js';
import { columnsOf, WrittenColumns, type RowOf } from '../written-columns.js';
import { shownDetail } from './shown-detail.js';

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

/** An entry as it is written: `detail` without the secret parts of actions, and the whole detail sealed. */
export interface SealedEntry extends HistoryEntry {
  /** Null if `detail` is whole. */
  sealedDetail: string | null;
}

const column = columnsOf<SealedEntry>();

const COLUMNS = {
  event_id: column('text', ({ eventId }) => eventId),
  alarm_id: column('text', ({ alarmId }) => alarmId),
  type: column('text', ({ type }) => type),
  detail: column('text', ({ detail }) => detail),
  sealed_detail: column('text', ({ sealedDetail }) => sealedDetail),
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

/** Seals the secret parts of actions in the detail of an entry. Without a key, the detail stays whole. */
export function sealEntry<Entry extends Pick<HistoryEntry, 'eventId' | 'onBehalfOf' | 'detail'>>(
  entry: Entry,
  sealer: Sealer,
): Entry & Pick<SealedEntry, 'detail' | 'sealedDetail'> {
  const detail = sealer.refusal === undefined ? shownDetail(entry.detail) : entry.detail;
  const isWhole = detail === entry.detail;
  return { ...entry, detail, sealedDetail: isWhole ? null : sealer.seal(entry.detail, placeOfDetail(entry)) };
}

/** The parameters of `HISTORY_WRITTEN` for an entry. */
export function historyParameters(entry: HistoryEntry, sealer: Sealer): unknown[] {
  return HISTORY_WRITTEN.values(sealEntry(entry, sealer));
}

/** The row that a sealed detail is bound to. */
export function placeOfDetail({ eventId, onBehalfOf }: Pick<HistoryEntry, 'eventId' | 'onBehalfOf'>): SecretLocation {
  return { table: 'alarm_history', rowId: eventId, projectId: onBehalfOf };
}

/** Converts a row to an entry. @throws Error when the key of its detail is not configured. */
export function toEntry(row: HistoryRow, sealer: Sealer): HistoryEntry {
  const place = placeOfDetail({ eventId: row.event_id, onBehalfOf: row.on_behalf_of });
  return {
    eventId: row.event_id,
    alarmId: row.alarm_id,
    type: row.type,
    detail: row.sealed_detail === null ? row.detail : sealer.open(row.sealed_detail, place),
    projectId: row.project_id,
    userId: row.user_id,
    onBehalfOf: row.on_behalf_of,
    severity: row.severity,
    timestamp: row.timestamp,
    stateVersion: row.state_version,
    previousState: row.previous_state,
  };
}

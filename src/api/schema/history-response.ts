import type { PythonValue } from '../../alarm/wire/python-json.js';
import type { HistoryEntry } from '../../storage/alarms/history-store.js';
import { isoTimestamp } from './timestamp.js';

/** A history entry as JSON. */
export function historyResponse(entry: HistoryEntry): PythonValue {
  return {
    event_id: entry.eventId,
    alarm_id: entry.alarmId,
    type: entry.type,
    detail: entry.detail,
    project_id: entry.projectId,
    user_id: entry.userId,
    on_behalf_of: entry.onBehalfOf,
    timestamp: isoTimestamp(entry.timestamp),
  };
}

import { pythonJson, RawJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { typeOf } from '../../alarm/types/index.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { HistoryEntry } from '../../storage/alarms/history-store.js';
import type { Identity } from '../identity/identity.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { tocsinObject } from '../schema/tocsin-object.js';

/** The caller who made a change, its time, and the id of the entry. */
export interface Authorship {
  eventId: string;
  by: Identity;
  at: Date;
}

/** The entry for the creation of an alarm. It holds the complete alarm. */
export function creationEntry(alarm: StoredAlarm, authorship: Authorship): HistoryEntry {
  const detail = pythonJson({ alarm_id: alarm.id, ...alarmDetail(alarm) });
  return {
    ...entryOf(alarm, authorship),
    type: 'creation',
    detail,
    onBehalfOf: authorship.by.projectId,
    severity: alarm.severity,
  };
}

/** The entry for a replacement: the changed fields with their new values. Null if no field changed. */
export function ruleChangeEntry(before: StoredAlarm, after: StoredAlarm, authorship: Authorship): HistoryEntry | null {
  const old: Record<string, PythonValue> = { ...alarmDetail(before), rule: new RawJson(comparedRule(before)) };
  const changed = Object.entries(alarmDetail(after)).filter(
    ([key, value]) => !MOMENTS.has(key) && pythonJson(value) !== pythonJson(old[key]),
  );
  if (changed.length === 0) return null;
  const stateChanged = before.state !== after.state;
  return {
    ...entryOf(after, authorship),
    type: 'rule change',
    detail: pythonJson(Object.fromEntries(changed.map(([key, value]) => [key, value ?? null]))),
    severity: before.severity === after.severity ? null : after.severity,
    stateVersion: stateChanged ? after.stateVersion : null,
    previousState: stateChanged ? before.state : null,
  };
}

/** The names of the fields in an entry of a change. */
export function changedFields(entry: HistoryEntry | null): string[] {
  return entry === null ? [] : Object.keys(JSON.parse(entry.detail) as object);
}

/** The entry for a state that a caller set, even if it is the state before. */
export function stateSetEntry(before: StoredAlarm, after: StoredAlarm, authorship: Authorship): HistoryEntry {
  return {
    ...entryOf(after, authorship),
    type: 'state transition',
    detail: pythonJson({ state: after.state, state_reason: after.stateReason }),
    stateVersion: after.stateVersion,
    previousState: before.state,
  };
}

/** The entry for the deletion of an alarm. The history outlives the alarm; Aodh only sends a message to its bus. */
export function deletionEntry(alarm: StoredAlarm, authorship: Authorship): HistoryEntry {
  return {
    ...entryOf(alarm, authorship),
    type: 'deletion',
    detail: pythonJson({ state: alarm.state }),
    severity: alarm.severity,
  };
}

function entryOf(alarm: StoredAlarm, { eventId, by, at }: Authorship): Omit<HistoryEntry, 'type' | 'detail'> {
  return {
    eventId,
    alarmId: alarm.id,
    projectId: by.projectId,
    userId: by.userId,
    onBehalfOf: alarm.projectId,
    severity: null,
    timestamp: at,
    stateVersion: null,
    previousState: null,
  };
}

/** Fields whose change alone makes no entry. */
const MOMENTS = new Set(['timestamp', 'state_timestamp']);

/** The rule as history shows it. */
function ruleInHistory({ rule, ruleJson }: StoredAlarm): string {
  const kind = typeOf(rule);
  return kind.historyJson?.(rule) ?? kind.shownJson?.(rule) ?? ruleJson;
}

function comparedRule(alarm: StoredAlarm): string {
  return typeOf(alarm.rule).historyBeforeJson?.(alarm.rule) ?? ruleInHistory(alarm);
}

/** The fields of an alarm in the order of Aodh's database. */
function alarmDetail(alarm: StoredAlarm): Record<string, PythonValue> {
  return {
    type: alarm.rule.type,
    enabled: alarm.enabled,
    name: alarm.name,
    description: alarm.description,
    timestamp: isoTimestamp(alarm.timestamp),
    user_id: alarm.userId,
    project_id: alarm.projectId,
    state: alarm.state,
    state_timestamp: isoTimestamp(alarm.stateTimestamp),
    state_reason: alarm.stateReason,
    ok_actions: alarm.okActions,
    alarm_actions: alarm.alarmActions,
    insufficient_data_actions: alarm.insufficientDataActions,
    repeat_actions: alarm.repeatActions,
    time_constraints: alarm.timeConstraints.map((constraint) => ({ ...constraint })),
    severity: alarm.severity,
    rule: new RawJson(ruleInHistory(alarm)),
    tocsin: tocsinObject(alarm),
  };
}

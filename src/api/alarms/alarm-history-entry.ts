import { pythonJson, RawJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { typeOf } from '../../alarm/types/index.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { HistoryEntry } from '../../storage/alarms/history-store.js';
import type { Identity } from '../identity/identity.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { tocsinObject } from '../schema/tocsin-object.js';

/** Who changed what, and when. */
export interface Authorship {
  eventId: string;
  by: Identity;
  at: Date;
}

/** The whole alarm as it was created. */
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

/** What a replacement changed, with the new values; null when that is nothing. */
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

/** A state set by hand. Recorded even when it is the state that was. */
export function stateSetEntry(before: StoredAlarm, after: StoredAlarm, authorship: Authorship): HistoryEntry {
  return {
    ...entryOf(after, authorship),
    type: 'state transition',
    detail: pythonJson({ state: after.state, state_reason: after.stateReason }),
    stateVersion: after.stateVersion,
    previousState: before.state,
  };
}

/** The end of an alarm. Aodh tells only its message bus of it; here its history outlives the alarm. */
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

/** Not worth an entry by themselves. */
const MOMENTS = new Set(['timestamp', 'state_timestamp']);

function toldRule({ rule, ruleJson }: StoredAlarm): string {
  const kind = typeOf(rule);
  return kind.historyJson?.(rule) ?? kind.shownJson?.(rule) ?? ruleJson;
}

function comparedRule(alarm: StoredAlarm): string {
  return typeOf(alarm.rule).historyBeforeJson?.(alarm.rule) ?? toldRule(alarm);
}

/** Keys in the order that Aodh's database gives them. */
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
    rule: new RawJson(toldRule(alarm)),
    tocsin: tocsinObject(alarm),
  };
}

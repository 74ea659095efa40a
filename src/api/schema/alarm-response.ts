import { normaliseAction } from '../../alarm/action.js';
import { RawJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { typeOf } from '../../alarm/types/index.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { isoTimestamp } from './timestamp.js';
import { tocsinObject } from './tocsin-object.js';

/** An alarm as JSON, with Aodh's fields in Aodh's order. */
export function alarmResponse(alarm: StoredAlarm): PythonValue {
  return responseWith(alarm, normaliseAction);
}

/** An alarm as complex queries answer it: with actions as they were given. They hold no secret of this service. */
export function queriedAlarmResponse(alarm: StoredAlarm): PythonValue {
  return responseWith(alarm, (action) => action);
}

function responseWith(alarm: StoredAlarm, shownAction: (action: string) => string): PythonValue {
  const actions = (list: string[] | null): PythonValue => list && list.map(shownAction);
  return {
    alarm_id: alarm.id,
    name: alarm.name,
    description: alarm.description,
    enabled: alarm.enabled,
    ok_actions: actions(alarm.okActions),
    alarm_actions: actions(alarm.alarmActions),
    insufficient_data_actions: actions(alarm.insufficientDataActions),
    repeat_actions: alarm.repeatActions,
    type: alarm.rule.type,
    time_constraints: alarm.timeConstraints.map((constraint) => ({ ...constraint })),
    project_id: alarm.projectId,
    user_id: alarm.userId,
    timestamp: isoTimestamp(alarm.timestamp),
    state: alarm.state,
    state_timestamp: isoTimestamp(alarm.stateTimestamp),
    state_reason: alarm.stateReason,
    severity: alarm.severity,
    evaluate_timestamp: isoTimestamp(alarm.evaluateTimestamp),
    [`${alarm.rule.type}_rule`]: new RawJson(typeOf(alarm.rule).shownJson?.(alarm.rule) ?? alarm.ruleJson),
    tocsin: tocsinObject(alarm, alarm.muted ? { muted: true } : {}),
  };
}

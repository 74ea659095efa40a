import type { AlarmState, Severity } from './alarm.js';
import { pythonJson, type PythonValue } from './python-json.js';

export interface NotificationContent {
  alarmName: string;
  alarmId: string;
  severity: Severity;
  previous: AlarmState;
  current: AlarmState;
  reason: string;
  reasonData: PythonValue;
}

/**
 * The body that every receiver gets: Aodh's seven keys in Aodh's order and spacing. Written once, when the transition is committed;
 * every attempt and replay sends these bytes.
 */
export function notificationBody(content: NotificationContent): string {
  return pythonJson({
    alarm_name: content.alarmName,
    alarm_id: content.alarmId,
    severity: content.severity,
    previous: content.previous,
    current: content.current,
    reason: content.reason,
    reason_data: content.reasonData,
  });
}

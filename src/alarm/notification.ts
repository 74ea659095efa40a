import { createHash } from 'node:crypto';

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

/** Names the queue in which order is kept: one alarm, one action. Hashed, since actions can be longer than an index takes. */
export function laneOf(alarmId: string, action: string): string {
  return createHash('sha256').update(`${alarmId} ${action}`).digest('base64url').slice(0, 27);
}

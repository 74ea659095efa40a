import { createHash } from 'node:crypto';

import { addressOf, normaliseAction } from './action.js';
import type { ActionList, AlarmActions, Severity } from './alarm.js';
import type { AlarmState } from './state.js';
import { pythonJson, type PythonValue } from './wire/python-json.js';

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
 * The body that every receiver gets: Aodh's seven keys in Aodh's order and spacing. Written once, when the transition
 * is committed; every attempt and replay sends these bytes.
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

/**
 * Names the queue in which order is kept: one alarm, one action. Hashed, since actions can be longer than an index
 * takes.
 */
export function deliveryQueueOf(alarmId: string, action: string): string {
  return createHash('sha256')
    .update(`${alarmId} ${normaliseAction(action)}`)
    .digest('base64url')
    .slice(0, 27);
}

/** The action of a notification. `actionList` is one of the names in `ActionList`. */
export interface NotificationAddress {
  actionList: string;
  action: string;
  /** The alarm's project when the notification was made. */
  projectId: string | null;
}

/**
 * Makes a predicate for the notifications of one alarm: true while the alarm's present list still has their action. An
 * action that moved to another list counts as removed; another spelling of the same address does not.
 */
export function listedActions(
  alarm: AlarmActions & { projectId: string | null },
): (notification: NotificationAddress) => boolean {
  const addresses = (actions: string[] | null): Set<string> =>
    new Set((actions ?? []).map((action) => addressOf(action, alarm.projectId)));
  const lists = new Map<string, Set<string>>([
    ['ok_actions' satisfies ActionList, addresses(alarm.okActions)],
    ['alarm_actions' satisfies ActionList, addresses(alarm.alarmActions)],
    ['insufficient_data_actions' satisfies ActionList, addresses(alarm.insufficientDataActions)],
  ]);
  return ({ actionList, action, projectId }) => lists.get(actionList)?.has(addressOf(action, projectId)) ?? true;
}

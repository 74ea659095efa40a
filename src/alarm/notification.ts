import { createHash } from 'node:crypto';

import type { ActionList, Severity } from './alarm.js';
import { seriesKeys } from './deciding-series.js';
import type { DecidingSeries } from './series.js';
import { normalisedStoredAction, storedAddressOf, type StoredAction, type StoredActions } from './stored-action.js';
import type { AlarmState } from './state.js';
import { pythonJson, type PythonValue } from './wire/python-json.js';

/**
 * `transition`: a change of state. `repeat`: a state that is told again. `test`: sent on request, so that a person can
 * try an action; the alarm does not change. `heartbeat`: of the service itself, and of no alarm.
 */
export const NOTIFICATION_KINDS = ['transition', 'repeat', 'test', 'heartbeat'] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** The values in the body of a notification. */
export interface NotificationContent {
  alarmName: string;
  alarmId: string;
  severity: Severity;
  previous: AlarmState;
  current: AlarmState;
  reason: string;
  reasonData: PythonValue;
  /** The series that the state is due to; undefined if the alarm looks at none with labels. */
  series?: DecidingSeries | undefined;
  /** The address of the alarm in the console; undefined if the service does not know its own. */
  link?: string | undefined;
}

/** Makes the address of an alarm in the console, from its id. */
export type AlarmLink = (alarmId: string) => string;

/** The link to the console of a service that people reach at `publicUrl`, without a slash at its end. */
export function alarmLinkAt(publicUrl: string): AlarmLink {
  return (alarmId) => `${publicUrl}/console#/alarm/${encodeURIComponent(alarmId)}`;
}

/**
 * The body that every receiver gets: Aodh's seven keys in Aodh's order and spacing. It is written once, with the
 * transition. Every attempt and replay sends these bytes. Keys that Aodh does not have are the last in `reason_data`.
 */
export function notificationBody(content: NotificationContent): string {
  return pythonJson({
    alarm_name: content.alarmName,
    alarm_id: content.alarmId,
    severity: content.severity,
    previous: content.previous,
    current: content.current,
    reason: content.reason,
    reason_data: reasonDataOf(content),
  });
}

function reasonDataOf({ reasonData, series, link }: NotificationContent): PythonValue {
  if ((series === undefined && link === undefined) || !isPlainObject(reasonData)) return reasonData;
  return { ...reasonData, ...(series && seriesKeys(series)), ...(link !== undefined && { link }) };
}

function isPlainObject(value: PythonValue): value is Readonly<Record<string, PythonValue>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * The id of the delivery queue of an alarm and an action. Notifications of one queue are sent in order. It is a hash,
 * since an action can be too long for an index.
 */
export function deliveryQueueOf(alarmId: string, action: StoredAction): string {
  return createHash('sha256')
    .update(`${alarmId} ${normalisedStoredAction(action)}`)
    .digest('base64url')
    .slice(0, 27);
}

/** The id of the delivery queue of one test, which nothing else waits in. */
export function testQueueOf(notificationId: string): string {
  return `test-${notificationId}`;
}

/** The action of a notification. `actionList` is one of the names in `ActionList`. */
export interface NotificationAddress {
  actionList: string;
  action: StoredAction;
  /** The alarm's project when the notification was made. */
  projectId: string | null;
}

/**
 * Makes a predicate for the notifications of one alarm. It is true while the same list of the alarm still has the
 * action. An action that moved to another list counts as removed; another spelling of its address does not.
 */
export function listedActions(
  alarm: StoredActions & { projectId: string | null },
): (notification: NotificationAddress) => boolean {
  const addresses = (actions: StoredAction[] | null): Set<string> =>
    new Set((actions ?? []).map((action) => storedAddressOf(action, alarm.projectId)));
  const lists = new Map<string, Set<string>>([
    ['ok_actions' satisfies ActionList, addresses(alarm.okActions)],
    ['alarm_actions' satisfies ActionList, addresses(alarm.alarmActions)],
    ['insufficient_data_actions' satisfies ActionList, addresses(alarm.insufficientDataActions)],
  ]);
  return ({ actionList, action, projectId }) => lists.get(actionList)?.has(storedAddressOf(action, projectId)) ?? true;
}

import { notificationBody } from './notification.js';

/** The alarm's name and id in the bodies of heartbeats, and their delivery queue. */
export const HEARTBEAT_ID = 'heartbeat';

const MS_OF_SECOND = 1_000;

/** The body of a heartbeat: that of a notification in state ok, the same each time. `everyMs` is its period. */
export function heartbeatBody(everyMs: number): string {
  return notificationBody({
    alarmName: HEARTBEAT_ID,
    alarmId: HEARTBEAT_ID,
    severity: 'low',
    previous: 'ok',
    current: 'ok',
    reason: 'Every partition was evaluated within two intervals, and no due notification is older than a minute',
    reasonData: { type: 'heartbeat', every: everyMs / MS_OF_SECOND },
  });
}

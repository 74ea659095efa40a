import type { RunRecords } from '../records.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

const ENDS = new Set(['delivered', 'dead', 'superseded', 'cancelled']);
/** Time after its moment in which an attempt must have begun. */
const OVERDUE_MS = 60_000;

/** G1: each transition has one notification for each action of its state, and each of these ends. */
export function checkNothingLost(records: RunRecords): Verdict {
  const { transitions, notifications } = records;
  const ended = groupBy(notifications, ({ status }) => status);
  const counts = {
    transitions: transitions.length,
    notifications: notifications.length,
    ...Object.fromEntries([...ended].map(([status, rows]) => [status, rows.length])),
  };
  return verdictOf('G1', counts, { absolute: [...wrongNotifications(records), ...wrongEnds(records)] });
}

/** Transitions without exactly one notification for each action, and notifications without a transition. */
function wrongNotifications({ alarms, transitions, notifications }: RunRecords): string[] {
  const problems: string[] = [];
  const actionsOf = new Map(alarms.map(({ id, actions }) => [id, actions]));
  const made = groupBy(notifications, ({ alarmId, sequence }) => `${alarmId} ${sequence}`);
  const known = new Set<string>();
  for (const { alarmId, stateVersion, state } of transitions) {
    known.add(`${alarmId} ${stateVersion}`);
    const expected = actionsOf.get(alarmId)?.[state];
    const rows = made.get(`${alarmId} ${stateVersion}`) ?? [];
    const distinct = new Set(rows.map(({ actionList, actionIndex }) => `${actionList} ${actionIndex}`)).size;
    if (expected === undefined || (rows.length === expected && distinct === expected)) continue;
    problems.push(`transition ${stateVersion} of ${alarmId} has ${rows.length} notifications, not ${expected}`);
  }
  for (const { id, alarmId, sequence } of notifications)
    if (!known.has(`${alarmId} ${sequence}`)) problems.push(`notification ${id} has no transition`);
  return problems;
}

/** Notifications that are said to be delivered and were not, and those that are overdue. */
function wrongEnds({ notifications, calls, readMs }: RunRecords): string[] {
  const acknowledged = new Set(calls.filter(({ status }) => status >= 200 && status < 300).map(({ id }) => id));
  return notifications.flatMap(({ id, status, nextAttemptMs }) => {
    if (status === 'delivered' && !acknowledged.has(id))
      return [`notification ${id} is delivered, and no receiver has acknowledged it`];
    if (!ENDS.has(status) && nextAttemptMs < readMs - OVERDUE_MS)
      return [`notification ${id} is ${status}, due since ${new Date(nextAttemptMs).toISOString()}`];
    return [];
  });
}

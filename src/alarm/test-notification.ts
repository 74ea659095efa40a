import type { Alarm } from './alarm.js';
import { notificationBody } from './notification.js';
import type { AlarmState } from './state.js';
import type { AlarmRule } from './types/index.js';
import type { PythonValue } from './wire/python-json.js';

/** The reason in the body of each test, which every kind of receiver passes on. */
export const TEST_REASON = 'This is a test of the action, sent on request: the alarm has not changed';

/** The alarm that a test is about: stored or a draft. */
export type TestedAlarm = Pick<Alarm, 'id' | 'name' | 'severity' | 'state' | 'rule'>;

/**
 * The body of a test: that of a transition to `to`, with a reason that says that it is a test. It names no series,
 * since none has decided. `link` is undefined for a draft, which has no page.
 */
export function testBody({ id, name, severity, state, rule }: TestedAlarm, to: AlarmState, link?: string): string {
  return notificationBody({
    alarmName: name,
    alarmId: id,
    severity,
    previous: stateBefore(state, to),
    current: to,
    reason: TEST_REASON,
    reasonData: testReasonData(rule),
    link,
  });
}

/** The present state, or another one if the alarm is in state `to` already: receivers expect a change. */
function stateBefore(present: AlarmState, to: AlarmState): AlarmState {
  if (present !== to) return present;
  return to === 'ok' ? 'alarm' : 'ok';
}

/** Heat heals the unhealthy members of a stack. A test names the stack, and no member. */
function testReasonData(rule: AlarmRule): PythonValue {
  if (rule.type !== 'loadbalancer_member_health') return { type: 'test' };
  return { type: 'test', stack_id: rule.stack_id, asg_id: rule.autoscaling_group_id, unhealthy_members: [] };
}

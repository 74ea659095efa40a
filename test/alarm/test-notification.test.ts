import { describe, expect, test } from '@jest/globals';

import type { AlarmState } from '../../src/alarm/state.js';
import { testBody, TEST_REASON } from '../../src/alarm/test-notification.js';
import { WebhookBody } from '../../src/api/openapi/webhook.js';
import { anAlarm } from '../support/builders.js';

const bodyOf = (state: AlarmState, to: AlarmState): Record<string, unknown> =>
  WebhookBody.parse(JSON.parse(testBody(anAlarm({ state }), to)));

test('the body of a test is that of a webhook, and its reason says that it is a test', () => {
  expect(bodyOf('ok', 'alarm')).toMatchObject({ reason: TEST_REASON, reason_data: { type: 'test' } });
});

test('the body of a test has the link to the alarm, and never names series', () => {
  const body = JSON.parse(testBody(anAlarm(), 'alarm', 'https://a.example.com/console#/alarm/id1')) as object;
  expect(WebhookBody.parse(body).reason_data).toEqual({
    type: 'test',
    link: 'https://a.example.com/console#/alarm/id1',
  });
});

describe('the body of a test names a change of state', () => {
  test.each<[AlarmState, AlarmState, AlarmState]>([
    ['ok', 'alarm', 'ok'],
    ['insufficient data', 'alarm', 'insufficient data'],
    ['alarm', 'alarm', 'ok'],
    ['ok', 'ok', 'alarm'],
    ['insufficient data', 'insufficient data', 'ok'],
  ])('of an alarm in state %s to %s: from %s', (state, to, previous) => {
    expect(bodyOf(state, to)).toMatchObject({ previous, current: to });
  });
});

test('the test of an alarm that heals a stack names the stack and no member', () => {
  const rule = { type: 'loadbalancer_member_health', pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' } as const;
  const body = JSON.parse(testBody({ ...anAlarm(), rule }, 'alarm')) as object;
  expect(WebhookBody.parse(body).reason_data).toEqual({
    type: 'test',
    stack_id: 's',
    asg_id: 'g',
    unhealthy_members: [],
  });
});

import { TestFireAnswer } from '../answers/test-fire-answer.js';
import { DraftTestFireRequest, TestFireRequest } from '../schema/test-fire-request.js';

/** The entries of `OPERATIONS` for tests of actions. */
export const TEST_FIRE_OPERATIONS = {
  'POST /v1/alarms/:id/test-fire': {
    group: 'Alarms',
    summary: 'Send a test of actions of an alarm, once, and get the outcome; the alarm does not change',
    request: TestFireRequest,
    answer: TestFireAnswer,
  },
  'POST /v1/alarms/test-fire': {
    group: 'Alarms',
    summary: 'Send a test of actions of a draft of an alarm, once, and get the outcome; creates no alarm',
    request: DraftTestFireRequest,
    answer: TestFireAnswer,
  },
} as const;

import { z } from 'zod';

import { ALARM_STATES, type AlarmState } from '../../alarm/state.js';
import type { TestRecord } from '../../storage/notifications/test-notification-store.js';
import { NOTIFICATION_STATUSES } from '../../storage/notifications/notification-status.js';
import { NullableText } from './answer-fields.js';
import { shownError } from './notification-answer.js';

/** The outcomes of a test of actions. */
export const TestFireAnswer = z
  .strictObject({
    alarm_id: NullableText.meta({ description: 'Null for a draft.' }),
    state: z.enum(ALARM_STATES),
    notifications: z.array(
      z.strictObject({
        notification_id: z.string(),
        action: z.string().meta({ description: 'The action without secrets.' }),
        host: z.string().meta({ description: 'Receiver: host and port of a URL, otherwise the scheme.' }),
        status: z.enum(NOTIFICATION_STATUSES).meta({
          description:
            'delivered, or dead; cancelled if no notifier could send it in time; ' +
            'in_flight if the receiver has not answered yet.',
        }),
        http_status: z.int().nullable().meta({ description: 'Null without an answer in HTTP.' }),
        error: NullableText.meta({ description: 'Class of the error; null if the action was delivered.' }),
        duration_ms: z.int().nullable(),
        answer: NullableText.meta({
          description: 'At most 1 KiB of the body of the answer, in printable characters. Only admins see it.',
        }),
      }),
    ),
  })
  .meta({ id: 'TestFire' });
export type TestFireAnswer = z.infer<typeof TestFireAnswer>;

/** The answer about tests, for an admin or for the owner of the alarm. */
export function testFireAnswer(
  { alarmId, state }: { alarmId: string | null; state: AlarmState },
  tests: readonly TestRecord[],
  forAdmin: boolean,
): TestFireAnswer {
  return {
    alarm_id: alarmId,
    state,
    notifications: tests.map((test) => ({
      notification_id: test.id,
      action: test.action,
      host: test.host,
      status: test.status,
      http_status: test.httpStatus,
      error: shownError(test.lastError, forAdmin),
      duration_ms: test.durationMs,
      answer: forAdmin ? test.answer : null,
    })),
  };
}

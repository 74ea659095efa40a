import { z } from 'zod';

import { NOTIFICATION_KINDS } from '../../alarm/notification.js';
import { RawJson } from '../../alarm/wire/python-json.js';
import type { AttemptRecord, NotificationRecord } from '../../storage/notifications/notification-admin-store.js';
import type { DeliveryPause } from '../../storage/notifications/delivery-pause-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, TransitionSeries, StoredObject, UtcTimestamp } from './answer-fields.js';

/** A notification. */
export const NotificationAnswer = z
  .strictObject({
    notification_id: z.string(),
    alarm_id: z.string().meta({ description: 'Empty for a heartbeat of the service.' }),
    alarm_name: NullableText.meta({ description: 'Name of the alarm when the notification was created.' }),
    project_id: NullableText,
    kind: z.enum(NOTIFICATION_KINDS),
    sequence: z.int(),
    series: TransitionSeries,
    transition_time: UtcTimestamp.meta({
      description:
        'Time of the change of state; for a repeat, of the change that is repeated; for a test or a heartbeat, of ' +
        'its creation.',
    }),
    action: z.string().meta({
      description:
        'The action without secrets: no user info, no values in the query, no ' +
        'fragment, no tokens in the path of chat webhooks.',
    }),
    host: z.string().meta({ description: 'Receiver: host and port of a URL, otherwise the scheme.' }),
    status: z.string(),
    attempts: z.int(),
    next_attempt_at: UtcTimestamp.nullable(),
    last_http_status: z
      .int()
      .nullable()
      .meta({ description: 'HTTP status of the last attempt; null without an answer.' }),
    last_error: NullableText,
    silence_id: NullableText.meta({
      description: 'The silence that holds it, or that held it before it was sent; null if none did.',
    }),
    created_at: UtcTimestamp.meta({ description: 'When it began to wait; after a silence, when it was released.' }),
    finished_at: UtcTimestamp.nullable(),
    body: StoredObject.meta({ description: 'Body of the delivery, byte for byte.' }),
  })
  .meta({
    id: 'Notification',
    description: 'Delivery of one change of state, of a test or of a heartbeat to one action.',
  });
export type NotificationAnswer = z.infer<typeof NotificationAnswer>;

/** One attempt to deliver a notification. */
export const AttemptAnswer = z.strictObject({
  attempt: z.int(),
  started_at: UtcTimestamp,
  duration_ms: z.int(),
  outcome: z.string(),
  http_status: z.int().nullable(),
  error: NullableText,
  answer: NullableText.meta({
    description: 'At most 1 KiB of the answer to a test. Only admins see it; null for all other notifications.',
  }),
});
export type AttemptAnswer = z.infer<typeof AttemptAnswer>;

/** A notification with its attempts. */
export const NotificationWithAttemptsAnswer = z
  .strictObject({
    ...NotificationAnswer.shape,
    attempt_list: z.array(AttemptAnswer).meta({ description: 'All attempts so far, oldest first.' }),
  })
  .meta({ id: 'NotificationWithAttempts' });
export type NotificationWithAttemptsAnswer = z.infer<typeof NotificationWithAttemptsAnswer>;

/** A project whose deliveries, or only its repeats, are paused. */
export const PauseAnswer = z
  .strictObject({
    project_id: z.string(),
    paused_at: UtcTimestamp,
    ends_at: UtcTimestamp.nullable().meta({ description: 'When the pause ends by itself; null if it does not.' }),
    reason: NullableText,
    paused_by: NullableText.meta({ description: 'Id of the user who paused deliveries last; null if unknown.' }),
    until: UtcTimestamp.nullable().meta({
      description:
        'End of the hour in which only repeats wait, since the project has reached its hourly limit; null for a pause.',
    }),
  })
  .meta({ id: 'DeliveryPause' });
export type PauseAnswer = z.infer<typeof PauseAnswer>;

/** The answer about a notification, for an admin or for its owner. */
export function notificationAnswer(notification: NotificationRecord, forAdmin: boolean): NotificationAnswer {
  return {
    notification_id: notification.id,
    alarm_id: notification.alarmId,
    alarm_name: alarmNameOf(notification.body),
    project_id: notification.projectId,
    kind: notification.kind,
    sequence: notification.sequence,
    series: null,
    transition_time: utcTimestamp(notification.transitionTime),
    action: notification.action,
    host: notification.host,
    status: notification.status,
    attempts: notification.attempt,
    next_attempt_at: notification.status === 'pending' ? utcTimestamp(notification.nextAttemptAt) : null,
    last_http_status: notification.lastHttpStatus,
    last_error: shownError(notification.lastError, forAdmin),
    silence_id: notification.silenceId,
    created_at: utcTimestamp(notification.createdAt),
    finished_at: notification.finishedAt && utcTimestamp(notification.finishedAt),
    body: new RawJson(notification.body),
  };
}

/** The answer about an attempt, for an admin or for its owner. */
export function attemptAnswer(record: AttemptRecord, forAdmin: boolean): AttemptAnswer {
  return {
    attempt: record.attempt,
    started_at: utcTimestamp(record.startedAt),
    duration_ms: record.durationMs,
    outcome: record.outcome,
    http_status: record.httpStatus,
    error: shownError(record.error, forAdmin),
    answer: forAdmin ? record.answer : null,
  };
}

/** What a port speaks that is not HTTP, only admins may know: users choose the address and would find out by trying. */
export function shownError(error: string | null, forAdmin: boolean): string | null {
  return !forAdmin && error?.startsWith('unreadable_answer') ? 'connect_failed' : error;
}

/** The answer about a pause. */
export function pauseAnswer({ projectId, pausedAt, endsAt, reason, pausedBy, until }: DeliveryPause): PauseAnswer {
  return {
    project_id: projectId,
    paused_at: utcTimestamp(pausedAt),
    ends_at: endsAt && utcTimestamp(endsAt),
    reason,
    paused_by: pausedBy,
    until: until && utcTimestamp(until),
  };
}

/**
 * The alarm's name, which is the first member of every body. The rest is not parsed, since it may hold a large event.
 */
function alarmNameOf(body: string): string | null {
  const name = /^\{"alarm_name": ("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  return name === undefined ? null : (JSON.parse(name) as string);
}

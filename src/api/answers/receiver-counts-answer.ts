import { z } from 'zod';

import type { ReceiverList } from '../../storage/notifications/receiver-list-store.js';
import type { ReplayPreview } from '../../storage/notifications/replay-preview.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';
import { shownError } from './notification-answer.js';

/** A receiver with pending, in-flight or dead notifications. */
export const ReceiverCountsAnswer = z
  .strictObject({
    host: z.string().meta({ description: 'Host and port of a URL, otherwise the scheme.' }),
    pending: z.int().meta({ description: 'Notifications that wait, with the failing ones.' }),
    failing: z.int().meta({ description: 'Notifications that wait after a failed attempt.' }),
    in_flight: z.int().meta({ description: 'Notifications that are sent at this moment.' }),
    dead: z.int(),
    oldest_pending_at: UtcTimestamp.nullable().meta({
      description: 'Since when the oldest pending notification waits.',
    }),
    last_error: NullableText.meta({
      description:
        'Error of the newest failing notification, otherwise of the newest dead one; of the project with the most.',
    }),
    last_http_status: z.int().nullable(),
    projects: z.int().meta({ description: 'Number of projects with such notifications.' }),
    is_complete: z
      .boolean()
      .meta({ description: 'False if the receiver has more notifications than the 10,000 that are counted.' }),
  })
  .meta({ id: 'ReceiverCounts' });
export type ReceiverCountsAnswer = z.infer<typeof ReceiverCountsAnswer>;

/** The receivers of a project, or of all. */
export const CountsByReceiverAnswer = z
  .strictObject({
    receivers: z.array(ReceiverCountsAnswer).meta({ description: 'Those with the most failing notifications first.' }),
    total: z.int().meta({ description: 'Number of receivers found; the list ends at the limit.' }),
    is_complete: z
      .boolean()
      .meta({ description: 'False if only the first 100,000 notifications were read: receivers may be missing.' }),
    counted_at: UtcTimestamp,
  })
  .meta({ id: 'CountsByReceiver' });
export type CountsByReceiverAnswer = z.infer<typeof CountsByReceiverAnswer>;

/** Number of replayed notifications, and whether notifications are left for another request. */
export const ReplayAnswer = z.strictObject({
  replayed: z.int(),
  has_more: z.boolean().meta({ description: 'True if notifications are left: repeat the request.' }),
});
export type ReplayAnswer = z.infer<typeof ReplayAnswer>;

/** The same for a replay by filter, which one request may not complete. */
export const BulkReplayAnswer = z.strictObject({
  ...ReplayAnswer.shape,
  notification_ids: z.array(z.string()).meta({
    description: 'The replayed ones, at most 1,000. Their `delivery` events in the stream tell how they end.',
  }),
  removed: z.int().meta({ description: 'Number left out, since an edit has removed their action.' }),
  ended_before: UtcTimestamp.meta({
    description: 'Only notifications that ended before this time were replayed. Repeat the request with it.',
  }),
});
export type BulkReplayAnswer = z.infer<typeof BulkReplayAnswer>;

/** The notifications that a replay by filter would send again. */
export const ReplayPreviewAnswer = z
  .strictObject({
    notifications: z.int().meta({ description: 'Number of notifications that would be sent again.' }),
    removed: z.int().meta({ description: 'Number that would be left out, since an edit has removed their action.' }),
    is_complete: z.boolean().meta({
      description: 'False if there may be more: at most 10,000 are counted, and at most 50,000 of the status are read.',
    }),
    receivers: z
      .array(z.strictObject({ host: z.string(), notifications: z.int() }))
      .meta({ description: 'At most 100, those with the most notifications first.' }),
    ended_before: UtcTimestamp.meta({
      description: 'Only notifications that ended before this time are counted. Send the replay with it.',
    }),
  })
  .meta({ id: 'ReplayPreview' });
export type ReplayPreviewAnswer = z.infer<typeof ReplayPreviewAnswer>;

const MOST_RECEIVERS = 100;

/** The answer about receivers. `at`: the time of the count. */
export function countsByReceiverAnswer(
  { receivers, total, isComplete }: ReceiverList,
  { at, forAdmin }: { at: Date; forAdmin: boolean },
): CountsByReceiverAnswer {
  return {
    receivers: receivers.map((each) => ({
      host: each.host,
      pending: each.pending,
      failing: each.failing,
      in_flight: each.inFlight,
      dead: each.dead,
      oldest_pending_at: each.oldestPendingAt && utcTimestamp(each.oldestPendingAt),
      last_error: shownError(each.lastError, forAdmin),
      last_http_status: each.lastHttpStatus,
      projects: each.projects,
      is_complete: each.isComplete,
    })),
    total,
    is_complete: isComplete,
    counted_at: utcTimestamp(at),
  };
}

/** The answer about what a replay would send again. */
export function replayPreviewAnswer(
  { notifications, removed, isComplete, receivers }: ReplayPreview,
  endedBefore: string,
): ReplayPreviewAnswer {
  const most = [...receivers].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, MOST_RECEIVERS);
  return {
    notifications,
    removed,
    is_complete: isComplete,
    receivers: most.map(([host, count]) => ({ host, notifications: count })),
    ended_before: endedBefore,
  };
}

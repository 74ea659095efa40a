import { z } from 'zod';

import type { HistoryEntry } from '../../storage/alarms/history-store.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { NullableText, Timestamp } from './answer-fields.js';

/** A history entry. */
export const HistoryAnswer = z
  .strictObject({
    event_id: z.string(),
    alarm_id: z.string(),
    type: z.enum(['creation', 'rule change', 'state transition', 'deletion']),
    detail: z
      .string()
      .meta({ description: 'JSON as text: the changed fields, or the complete alarm at its creation.' }),
    project_id: NullableText,
    user_id: NullableText,
    on_behalf_of: NullableText,
    timestamp: Timestamp,
  })
  .meta({ id: 'AlarmChange', description: 'One entry of an alarm’s history.' });
export type HistoryAnswer = z.infer<typeof HistoryAnswer>;

/** The answer about a history entry. */
export function historyAnswer(entry: HistoryEntry): HistoryAnswer {
  return {
    event_id: entry.eventId,
    alarm_id: entry.alarmId,
    type: entry.type,
    detail: entry.detail,
    project_id: entry.projectId,
    user_id: entry.userId,
    on_behalf_of: entry.onBehalfOf,
    timestamp: isoTimestamp(entry.timestamp),
  };
}

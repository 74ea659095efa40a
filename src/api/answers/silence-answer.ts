import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { MATCHER_FIELDS } from '../../alarm/silence/matchers.js';
import type { Opening, SilenceOpenings } from '../../alarm/silence/openings.js';
import { ALL_SILENCED, SILENCE_STATUSES, type Silence } from '../../alarm/silence/silence.js';
import type { SilencedAlarm } from '../../storage/silences/matching-alarms.js';
import { silenceStatus, type SilenceChange } from '../../storage/silences/silence-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

const Span = z.strictObject({ starts_at: UtcTimestamp, ends_at: UtcTimestamp });

/** A silence. */
export const SilenceAnswer = z
  .strictObject({
    id: z.string(),
    status: z.enum(SILENCE_STATUSES).meta({
      description: 'active: it holds notifications now; planned: it will later, also between two openings.',
    }),
    project_ids: z.array(z.string()).nullable().meta({
      description: 'The projects whose alarms it holds, of those that the caller may see; null for all projects.',
    }),
    all_projects: z.boolean(),
    matchers: z
      .array(z.strictObject({ field: z.enum(MATCHER_FIELDS), value: z.string() }))
      .meta({ description: 'An alarm is held if all of them match. The value of name is a shell pattern.' }),
    starts_at: UtcTimestamp,
    ends_at: UtcTimestamp.nullable().meta({ description: 'Null: it recurs without a last day.' }),
    recurrence: z.strictObject({ cron: z.string(), duration: z.int(), timezone: z.string() }).nullable().meta({
      description: 'It holds alarms for duration seconds from each time of the cron expression; null: always.',
    }),
    opening: Span.nullable().meta({
      description: 'The present span of time in which it holds alarms, or the next one; null if there is none.',
    }),
    reason: z.string(),
    owner: z.string().meta({ description: 'The person or team that answers for it.' }),
    created_at: UtcTimestamp,
    ended_at: UtcTimestamp.nullable().meta({ description: 'When a user ended it before its time; null if none did.' }),
    may_change: z.boolean().meta({ description: 'True if the caller may change and end it.' }),
  })
  .meta({ id: 'Silence', description: 'Holds the notifications of the alarms that it matches, for a time.' });
export type SilenceAnswer = z.infer<typeof SilenceAnswer>;

/** One page of silences. */
export const SilencesAnswer = z
  .strictObject({
    silences: z.array(SilenceAnswer).meta({ description: 'Can be empty although another page follows.' }),
    next: NullableText.meta({ description: 'The cursor of the next page; null if there is none.' }),
  })
  .meta({ id: 'Silences' });
export type SilencesAnswer = z.infer<typeof SilencesAnswer>;

/** A silence with the users who made, changed and ended it. */
export const SilenceWithChangesAnswer = z
  .strictObject({
    ...SilenceAnswer.shape,
    changes: z
      .array(
        z.strictObject({
          kind: z.enum(['created', 'changed', 'ended']),
          at: UtcTimestamp,
          user_id: NullableText,
          project_id: NullableText.meta({ description: 'The project of the user.' }),
          changed: z.array(z.string()).meta({ description: 'Names of changed fields.' }),
        }),
      )
      .meta({ description: 'Oldest first; the last 100.' }),
  })
  .meta({ id: 'SilenceWithChanges' });
export type SilenceWithChangesAnswer = z.infer<typeof SilenceWithChangesAnswer>;

/** The effect that a silence would have. */
export const SilencePreviewAnswer = z
  .strictObject({
    count: z.int().meta({ description: 'Number of alarms that it would hold.' }),
    alarms: z
      .array(
        z.strictObject({
          alarm_id: z.string(),
          name: z.string(),
          type: z.string(),
          severity: z.enum(SEVERITIES),
          project_id: NullableText,
          state: z.enum(ALARM_STATES),
        }),
      )
      .meta({ description: 'The first 100 of them, newest first.' }),
    waiting_notifications: z
      .int()
      .meta({ description: 'Number of their notifications that wait already. They are sent nevertheless.' }),
  })
  .meta({ id: 'SilencePreview' });
export type SilencePreviewAnswer = z.infer<typeof SilencePreviewAnswer>;

/** The moment of an answer, and what the caller may do. */
export interface SilenceView {
  now: Date;
  openings: SilenceOpenings;
  mayChange: boolean;
  /** True for a project that the caller may see. */
  maySee: (project: string) => boolean;
}

/** The answer about a silence. */
export function silenceAnswer(silence: Silence, { now, openings, mayChange, maySee }: SilenceView): SilenceAnswer {
  const { recurrence, endsAt, endedAt } = silence;
  const status = silenceStatus(silence, now, openings);
  const isOfAll = silence.projects.includes(ALL_SILENCED);
  return {
    id: silence.id,
    status,
    project_ids: isOfAll ? null : silence.projects.filter(maySee),
    all_projects: isOfAll,
    matchers: silence.matchers.map(({ field, value }) => ({ field, value })),
    starts_at: utcTimestamp(silence.startsAt),
    ends_at: endsAt && utcTimestamp(endsAt),
    recurrence: recurrence && {
      cron: recurrence.cron,
      duration: recurrence.durationS,
      timezone: recurrence.timezone,
    },
    opening: status === 'ended' ? null : spanOf(openings.openingOf(silence, now)),
    reason: silence.reason,
    owner: silence.owner,
    created_at: utcTimestamp(silence.createdAt),
    ended_at: endedAt && utcTimestamp(endedAt),
    may_change: mayChange,
  };
}

function spanOf(opening: Opening | undefined): z.infer<typeof Span> | null {
  return opening ? { starts_at: utcTimestamp(opening.startsAt), ends_at: utcTimestamp(opening.endsAt) } : null;
}

/** The answer about the changes of a silence. */
export function changesAnswer(changes: readonly SilenceChange[]): SilenceWithChangesAnswer['changes'] {
  return changes.map(({ kind, at, userId, projectId, changed }) => ({
    kind,
    at: utcTimestamp(at),
    user_id: userId,
    project_id: projectId,
    changed,
  }));
}

/** An alarm in a preview. */
export function silencedAlarmAnswer(alarm: SilencedAlarm): SilencePreviewAnswer['alarms'][number] {
  const { id, name, type, severity, projectId, state } = alarm;
  return { alarm_id: id, name, type, severity, project_id: projectId, state };
}

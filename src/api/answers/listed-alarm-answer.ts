import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import type { OpenSilence } from '../../alarm/silence/silence.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { effectiveThreshold } from '../../alarm/types/threshold-judgement.js';
import { COMPARISON_OPERATORS } from '../../alarm/types/threshold/schema.js';
import { PythonFloat } from '../../alarm/wire/python-json.js';
import type { AlarmCounts } from '../../storage/alarms/alarm-counts.js';
import type { LastNotification, ListedAlarm } from '../../storage/alarms/listed-alarm-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { Float, NullableText, UtcTimestamp } from './answer-fields.js';
import { conditionWords } from './condition-words.js';
import { shownError } from './notification-answer.js';

const LastNotificationAnswer = z.strictObject({
  notification_id: z.string(),
  kind: z.enum(['transition', 'repeat']),
  status: z.string(),
  at: UtcTimestamp.meta({ description: 'When it ended; when it was created, if it has not ended.' }),
  host: z.string().meta({ description: 'Receiver: host and port of a URL, otherwise the scheme.' }),
  attempts: z.int(),
  last_http_status: z.int().nullable(),
  last_error: NullableText,
});

const ListedSilenceAnswer = z.strictObject({
  id: z.string(),
  reason: z.string(),
  owner: z.string(),
  ends_at: UtcTimestamp.meta({ description: 'End of its present opening.' }),
});

/** Most silences that are shown of an alarm. */
const MOST_SILENCES_SHOWN = 10;

const ListedAlarmAnswer = z
  .strictObject({
    alarm_id: z.string(),
    name: z.string(),
    type: z.enum(ALARM_KINDS),
    severity: z.enum(SEVERITIES),
    enabled: z.boolean(),
    muted: z.boolean().meta({ description: 'True for an imported alarm that is not activated: it runs no action.' }),
    project_id: NullableText,
    state: z.enum(ALARM_STATES),
    state_since: UtcTimestamp,
    state_reason: z.string(),
    condition: z.string().meta({ description: 'When it fires, in words.' }),
    comparison_operator: z
      .enum(COMPARISON_OPERATORS)
      .nullable()
      .meta({ description: 'Null unless one threshold counts.' }),
    threshold: Float.nullable(),
    clear_threshold: Float.nullable().meta({ description: 'Compared instead of the threshold in state alarm.' }),
    effective_threshold: Float.nullable().meta({
      description: 'The threshold or clear threshold that counts now. Latest values are compared with it.',
    }),
    last_notification: LastNotificationAnswer.nullable().meta({
      description:
        'Outcome of the newest transition or repeat that has actions: of an action that failed or has not ended, if ' +
        'there is one. Null if no notification is stored.',
    }),
    silences: z.array(ListedSilenceAnswer).meta({
      description: `Silences that hold the alarm now, at most ${MOST_SILENCES_SHOWN}.`,
    }),
  })
  .meta({ id: 'ListedAlarm', description: 'An alarm as a table shows it.' });
type ListedAlarmAnswer = z.infer<typeof ListedAlarmAnswer>;

/** One page of alarms. */
export const ListedAlarmsAnswer = z
  .strictObject({
    alarms: z.array(ListedAlarmAnswer),
    next: NullableText.meta({ description: 'The cursor of the next page; null if there is none.' }),
  })
  .meta({ id: 'ListedAlarms' });
export type ListedAlarmsAnswer = z.infer<typeof ListedAlarmsAnswer>;

const Count = z.int().min(0);

/** Numbers of alarms. */
export const AlarmCountsAnswer = z
  .strictObject({
    total: Count,
    by_state: z.record(z.enum(ALARM_STATES), Count),
    by_type: z.record(z.enum(ALARM_KINDS), Count),
    by_severity: z.record(z.enum(SEVERITIES), Count),
    enabled: Count,
    disabled: Count,
    is_complete: z.boolean().meta({ description: 'False if there are more than 100,000 alarms: not all are counted.' }),
    counted_at: UtcTimestamp,
  })
  .meta({ id: 'AlarmCounts' });
export type AlarmCountsAnswer = z.infer<typeof AlarmCountsAnswer>;

/** The answer about an alarm of a list and the silences that hold it, for an admin or for its owner. */
export function listedAlarmAnswer(
  alarm: ListedAlarm,
  silences: readonly OpenSilence[],
  forAdmin: boolean,
): ListedAlarmAnswer {
  return {
    alarm_id: alarm.id,
    name: alarm.name,
    type: alarm.rule.type,
    severity: alarm.severity,
    enabled: alarm.enabled,
    muted: alarm.muted,
    project_id: alarm.projectId,
    state: alarm.state,
    state_since: utcTimestamp(alarm.stateSince),
    state_reason: alarm.stateReason,
    condition: conditionWords(alarm.rule),
    ...thresholdsOf(alarm),
    last_notification: alarm.lastNotification && lastNotificationAnswer(alarm.lastNotification, forAdmin),
    silences: silences.slice(0, MOST_SILENCES_SHOWN).map(({ id, reason, owner, until }) => ({
      id,
      reason,
      owner,
      ends_at: utcTimestamp(until),
    })),
  };
}

const NO_THRESHOLD = {
  comparison_operator: null,
  threshold: null,
  clear_threshold: null,
  effective_threshold: null,
} as const;

function thresholdsOf({ rule, state, options: given }: Pick<ListedAlarm, 'rule' | 'state' | 'options'>) {
  if (!('threshold' in rule)) return NO_THRESHOLD;
  const options = given ?? NO_OPTIONS;
  const { clear_threshold: clear } = options;
  return {
    comparison_operator: rule.comparison_operator,
    threshold: new PythonFloat(rule.threshold),
    clear_threshold: clear === undefined ? null : new PythonFloat(clear),
    effective_threshold: new PythonFloat(effectiveThreshold(rule, { state, options })),
  };
}

function lastNotificationAnswer(
  { id, kind, status, host, attempt, lastHttpStatus, lastError, createdAt, finishedAt }: LastNotification,
  forAdmin: boolean,
): NonNullable<ListedAlarmAnswer['last_notification']> {
  return {
    notification_id: id,
    kind,
    status,
    at: utcTimestamp(finishedAt ?? createdAt),
    host,
    attempts: attempt,
    last_http_status: lastHttpStatus,
    last_error: shownError(lastError, forAdmin),
  };
}

/** The answer with numbers of alarms, which were counted at `at`. */
export function alarmCountsAnswer(counts: AlarmCounts, at: Date): AlarmCountsAnswer {
  const numbersOf = <Key extends string>(known: readonly Key[], found: ReadonlyMap<string, number>) =>
    Object.fromEntries(known.map((key) => [key, found.get(key) ?? 0])) as Record<Key, number>;
  return {
    total: counts.total,
    by_state: numbersOf(ALARM_STATES, counts.byState),
    by_type: numbersOf(ALARM_KINDS, counts.byType),
    by_severity: numbersOf(SEVERITIES, counts.bySeverity),
    enabled: counts.enabled,
    disabled: counts.disabled,
    is_complete: counts.isComplete,
    counted_at: utcTimestamp(at),
  };
}

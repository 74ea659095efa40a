import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS, alarmTypes } from '../../alarm/types/index.js';
import { describedInput } from '../../alarm/wire/wire-types.js';
import { ROLES } from '../../role.js';
import { TocsinAnswer } from '../schema/tocsin-object.js';

/** What answers look like, as the document at /openapi.json tells it. Tests hold every answer they get to these. */

const NullableText = z.string().nullable();
const Timestamp = z
  .string()
  .meta({ description: 'ISO 8601 in UTC, without an offset; microseconds are left out when they are zero.' });
/** A time in the answers of our own routes, below /v1. */
const UtcTimestamp = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{6})?Z$/)
  .meta({ format: 'date-time', description: 'RFC 3339 in UTC, with Z; microseconds are left out when they are zero.' });
const Actions = z.array(z.string()).nullable();

const TimeConstraintAnswer = z.strictObject({
  name: z.string(),
  description: z.string(),
  start: z.string(),
  duration: z.int(),
  timezone: z.string(),
});

const rules = Object.fromEntries(
  ALARM_KINDS.map((kind) => [
    `${kind}_rule`,
    z
      .looseObject({})
      .optional()
      .meta({ description: `The rule of a ${kind} alarm.`, ...describedRule(kind) }),
  ]),
);

export const AlarmAnswer = z
  .strictObject({
    alarm_id: z.string(),
    name: z.string(),
    description: z.string(),
    enabled: z.boolean(),
    ok_actions: Actions,
    alarm_actions: Actions,
    insufficient_data_actions: Actions,
    repeat_actions: z.boolean(),
    type: z.enum(ALARM_KINDS),
    time_constraints: z.array(TimeConstraintAnswer),
    project_id: NullableText,
    user_id: NullableText,
    timestamp: Timestamp,
    state: z.enum(ALARM_STATES),
    state_timestamp: Timestamp,
    state_reason: z.string(),
    severity: z.enum(SEVERITIES),
    evaluate_timestamp: Timestamp,
    ...rules,
    tocsin: TocsinAnswer.optional().meta({ description: 'What Aodh does not know; only there when set.' }),
  })
  .meta({ id: 'Alarm', description: 'An alarm, with the one rule that belongs to its type.' });

export const StateAnswer = z.enum(ALARM_STATES).meta({ id: 'AlarmState' });

export const HistoryAnswer = z
  .strictObject({
    event_id: z.string(),
    alarm_id: z.string(),
    type: z.enum(['creation', 'rule change', 'state transition', 'deletion']),
    detail: z.string().meta({ description: 'JSON as text: what changed, or the whole alarm at its creation.' }),
    project_id: NullableText,
    user_id: NullableText,
    on_behalf_of: NullableText,
    timestamp: Timestamp,
  })
  .meta({ id: 'AlarmChange', description: 'One entry of an alarm’s history.' });

export const ErrorAnswer = z
  .strictObject({
    error_message: z.strictObject({
      faultcode: z.enum(['Client', 'Server']),
      faultstring: z.union([z.string(), z.looseObject({})]),
      debuginfo: z.null(),
    }),
  })
  .meta({ id: 'Fault', description: 'Why a request was refused.' });

/** In the modes with Keystone, those without a valid token get what its middleware would say. */
export const UnauthorizedAnswer = z.union([
  ErrorAnswer,
  z.strictObject({ error: z.strictObject({ code: z.literal(401), title: z.string(), message: z.string() }) }),
]);

export const VersionsAnswer = z.strictObject({
  versions: z.strictObject({ values: z.array(z.looseObject({ id: z.string() })) }),
});

export const CapabilitiesAnswer = z.strictObject({
  api: z.record(z.string(), z.boolean()),
  alarm_storage: z.record(z.string(), z.boolean()),
});

export const QuotasAnswer = z.strictObject({
  project_id: z.string(),
  quotas: z.array(z.strictObject({ resource: z.literal('alarms'), limit: z.int().min(-1) })),
});

export const EvaluationResultsAnswer = z.strictObject({
  evaluation_results: z.array(
    z.strictObject({
      alarm_id: z.string(),
      project_id: NullableText,
      state_counters: z.strictObject({ 'insufficient data': z.int(), ok: z.int(), alarm: z.int() }),
    }),
  ),
});

export const EventsAnswer = z.strictObject({ received: z.int(), duplicates: z.int(), alarms_fired: z.int() });

export const ReadinessAnswer = z.strictObject({
  ok: z.boolean(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
});

export const SampleAnswer = z
  .strictObject({
    source: z.string(),
    counter_name: z.string(),
    counter_type: z.string(),
    counter_unit: z.string(),
    counter_volume: z.number(),
    user_id: NullableText,
    project_id: NullableText,
    resource_id: z.string(),
    timestamp: Timestamp,
    recorded_at: Timestamp,
    resource_metadata: z.record(z.string(), z.unknown()),
    message_id: z.string(),
  })
  .meta({ id: 'Sample' });

export const MeterAnswer = z.strictObject({
  name: z.string(),
  type: z.string(),
  unit: z.string(),
  resource_id: z.string(),
  project_id: NullableText,
  user_id: NullableText,
  source: z.string(),
  meter_id: z.string(),
});

export const ResourceAnswer = z
  .strictObject({
    resource_id: z.string(),
    project_id: NullableText,
    user_id: NullableText,
    source: z.string(),
    first_sample_timestamp: Timestamp,
    last_sample_timestamp: Timestamp,
    metadata: z.record(z.string(), z.unknown()),
    links: z.array(z.strictObject({ href: z.string(), rel: z.string() })),
  })
  .meta({ id: 'Resource' });

export const StatisticsAnswer = z.strictObject({
  avg: z.number(),
  count: z.int(),
  duration: z.number(),
  duration_start: Timestamp,
  duration_end: Timestamp,
  groupby: z.record(z.string(), NullableText).nullable(),
  max: z.number(),
  min: z.number(),
  stddev: z.number().nullable(),
  sum: z.number().nullable().meta({ description: 'Null if it is beyond the range of floats.' }),
  unit: NullableText,
  period: z.int(),
  period_start: Timestamp,
  period_end: Timestamp,
});

export const NotificationAnswer = z
  .strictObject({
    notification_id: z.string(),
    alarm_id: z.string(),
    alarm_name: NullableText.meta({ description: 'The name of the alarm when the notification was written.' }),
    project_id: NullableText,
    kind: z.enum(['transition', 'repeat']),
    sequence: z.int(),
    transition_time: UtcTimestamp.meta({
      description: 'When the state changed; for a repeat, the time of the repeated change.',
    }),
    action: z.string().meta({
      description: 'Without user info, values of the query, fragment, and secrets in the path of chat webhooks.',
    }),
    host: z.string().meta({ description: 'The receiver: host and port of a URL, otherwise the scheme.' }),
    status: z.string(),
    attempts: z.int(),
    next_attempt_at: UtcTimestamp.nullable(),
    last_http_status: z.int().nullable().meta({ description: 'Of the last attempt; null when no status line came.' }),
    last_error: NullableText,
    created_at: UtcTimestamp,
    finished_at: UtcTimestamp.nullable(),
    body: z.looseObject({}).meta({ description: 'What is sent, byte for byte.' }),
  })
  .meta({ id: 'Notification', description: 'One action of one transition.' });

export const AttemptAnswer = z.strictObject({
  attempt: z.int(),
  started_at: UtcTimestamp,
  duration_ms: z.int(),
  outcome: z.string(),
  http_status: z.int().nullable(),
  error: NullableText,
});

export const NotificationWithAttemptsAnswer = z
  .strictObject({
    ...NotificationAnswer.shape,
    attempt_list: z.array(AttemptAnswer).meta({ description: 'Each attempt so far, the first one first.' }),
  })
  .meta({ id: 'NotificationWithAttempts' });

export const ReplayAnswer = z.strictObject({ replayed: z.int() });
export const PauseAnswer = z.strictObject({ project_id: z.string(), paused_at: UtcTimestamp });

export const ImportAnswer = z.strictObject({
  alarm_id: z.string(),
  name: z.string(),
  outcome: z.enum(['created', 'updated', 'unchanged', 'active', 'deleted', 'refused']),
  reason: z.string().optional(),
  not_copied: z.array(z.strictObject({ list: z.string(), action: z.string() })),
});
export const ActivationAnswer = z.strictObject({ activated: z.array(z.string()) });

export const ApiKeyAnswer = z
  .strictObject({
    id: z.string(),
    project_id: z.string(),
    user_id: z.string(),
    role: z.enum(ROLES),
    all_projects: z.boolean(),
    description: z.string(),
    created_by: z.string(),
    created_at: UtcTimestamp,
    expires_at: UtcTimestamp.nullable(),
    revoked_at: UtcTimestamp.nullable(),
    last_used_at: UtcTimestamp.nullable(),
  })
  .meta({ id: 'ApiKey' });
export const NewApiKeyAnswer = z.strictObject({
  key: z.string().meta({ description: 'The key itself. It is told here and never again.' }),
  ...ApiKeyAnswer.shape,
});

/** A rule is answered with the fields that it may be sent with, defaults filled in. */
function describedRule(kind: (typeof ALARM_KINDS)[number]): Record<string, unknown> {
  const { required: _, ...described } = describedInput(alarmTypes[kind].schema);
  return described;
}

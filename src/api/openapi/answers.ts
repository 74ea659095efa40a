import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS, alarmTypes } from '../../alarm/types/index.js';
import { describedInput } from '../../alarm/wire/wire-types.js';
import { ROLES } from '../../role.js';
import { TocsinAnswer } from '../schema/tocsin-object.js';

/** Schemas of all answers, for /openapi.json. Tests validate every answer that they get with them. */

const NullableText = z.string().nullable();
const Timestamp = z
  .string()
  .meta({ description: 'ISO 8601 in UTC, without an offset; microseconds are left out when they are zero.' });
/** A time in answers of the routes below /v1. */
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

/** An alarm. */
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
    tocsin: TocsinAnswer.optional().meta({ description: 'Options that Aodh does not have. Absent if none is set.' }),
  })
  .meta({ id: 'Alarm', description: 'An alarm, with the one rule that belongs to its type.' });

/** The state of an alarm. */
export const StateAnswer = z.enum(ALARM_STATES).meta({ id: 'AlarmState' });

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

/** An error in Aodh's form. */
export const ErrorAnswer = z
  .strictObject({
    error_message: z.strictObject({
      faultcode: z.enum(['Client', 'Server']),
      faultstring: z.union([z.string(), z.looseObject({})]),
      debuginfo: z.null(),
    }),
  })
  .meta({ id: 'Fault', description: 'An error: the reason why the request failed.' });

/** A 401: an error in Aodh's form or, in the modes with Keystone, the body of Keystone's middleware. */
export const UnauthorizedAnswer = z.union([
  ErrorAnswer,
  z.strictObject({ error: z.strictObject({ code: z.literal(401), title: z.string(), message: z.string() }) }),
]);

/** The versions of the API. */
export const VersionsAnswer = z.strictObject({
  versions: z.strictObject({ values: z.array(z.looseObject({ id: z.string() })) }),
});

/** Aodh's capabilities. */
export const CapabilitiesAnswer = z.strictObject({
  api: z.record(z.string(), z.boolean()),
  alarm_storage: z.record(z.string(), z.boolean()),
});

/** The quotas of a project. */
export const QuotasAnswer = z.strictObject({
  project_id: z.string(),
  quotas: z.array(z.strictObject({ resource: z.literal('alarms'), limit: z.int().min(-1) })),
});

/** Numbers of evaluation results. */
export const EvaluationResultsAnswer = z.strictObject({
  evaluation_results: z.array(
    z.strictObject({
      alarm_id: z.string(),
      project_id: NullableText,
      state_counters: z.strictObject({ 'insufficient data': z.int(), ok: z.int(), alarm: z.int() }),
    }),
  ),
});

/** The receipt for events. */
export const EventsAnswer = z.strictObject({ received: z.int(), duplicates: z.int(), alarms_fired: z.int() });

/** The checks of readiness. */
export const ReadinessAnswer = z.strictObject({
  ok: z.boolean(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
});

/** A sample. */
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

/** A meter. */
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

/** A resource with samples. */
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

/** Statistics of one period and group. */
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

/** A notification. */
export const NotificationAnswer = z
  .strictObject({
    notification_id: z.string(),
    alarm_id: z.string(),
    alarm_name: NullableText.meta({ description: 'Name of the alarm when the notification was created.' }),
    project_id: NullableText,
    kind: z.enum(['transition', 'repeat']),
    sequence: z.int(),
    transition_time: UtcTimestamp.meta({
      description: 'Time of the change of state; for a repeat, of the change that is repeated.',
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
    created_at: UtcTimestamp,
    finished_at: UtcTimestamp.nullable(),
    body: z.looseObject({}).meta({ description: 'Body of the delivery, byte for byte.' }),
  })
  .meta({ id: 'Notification', description: 'Delivery of one change of state to one action.' });

/** One attempt to deliver a notification. */
export const AttemptAnswer = z.strictObject({
  attempt: z.int(),
  started_at: UtcTimestamp,
  duration_ms: z.int(),
  outcome: z.string(),
  http_status: z.int().nullable(),
  error: NullableText,
});

/** A notification with its attempts. */
export const NotificationWithAttemptsAnswer = z
  .strictObject({
    ...NotificationAnswer.shape,
    attempt_list: z.array(AttemptAnswer).meta({ description: 'All attempts so far, oldest first.' }),
  })
  .meta({ id: 'NotificationWithAttempts' });

/** Number of replayed notifications. */
export const ReplayAnswer = z.strictObject({ replayed: z.int() });
/** A project whose deliveries are paused. */
export const PauseAnswer = z.strictObject({ project_id: z.string(), paused_at: UtcTimestamp });

/** Outcome of the import of one alarm. */
export const ImportAnswer = z.strictObject({
  alarm_id: z.string(),
  name: z.string(),
  outcome: z.enum(['created', 'updated', 'unchanged', 'active', 'deleted', 'refused']),
  reason: z.string().optional(),
  not_copied: z.array(z.strictObject({ list: z.string(), action: z.string() })),
});
/** Ids of activated alarms. */
export const ActivationAnswer = z.strictObject({ activated: z.array(z.string()) });

/** An API key without its secret. */
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
/** A new API key with its secret. */
export const NewApiKeyAnswer = z.strictObject({
  key: z.string().meta({ description: 'The key. Only this answer shows it.' }),
  ...ApiKeyAnswer.shape,
});

/** An answer has all fields of a rule, with defaults filled in, so the request's schema fits. */
function describedRule(kind: (typeof ALARM_KINDS)[number]): Record<string, unknown> {
  const { required: _, ...described } = describedInput(alarmTypes[kind].schema);
  return described;
}

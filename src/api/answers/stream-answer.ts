import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { SEVERITIES } from '../../alarm/alarm.js';
import type { StreamEvent, StreamEventKind } from '../../storage/stream/stream-sources.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, TransitionSeries, UtcTimestamp } from './answer-fields.js';
import { shownError } from './notification-answer.js';

const AlarmOfEvent = {
  alarm_id: z.string(),
  alarm_name: NullableText.meta({ description: 'Null if the alarm is gone, as are type and severity.' }),
  project_id: NullableText,
  type: NullableText,
  severity: z.enum(SEVERITIES).nullable(),
};
const State = z.enum(ALARM_STATES).nullable();

/** An alarm changed its state. */
export const TransitionEventAnswer = z.strictObject({
  ...AlarmOfEvent,
  event_id: z.string().meta({ description: 'Id of the entry in the history.' }),
  time: UtcTimestamp,
  previous_state: State,
  state: State,
  reason: NullableText,
  series: TransitionSeries,
});
type TransitionEventAnswer = z.infer<typeof TransitionEventAnswer>;

/** An alarm was created, changed or deleted. */
export const DefinitionEventAnswer = z.strictObject({
  ...AlarmOfEvent,
  event_id: z.string().meta({ description: 'Id of the entry in the history.' }),
  time: UtcTimestamp,
  change: z.enum(['creation', 'rule change', 'deletion']),
  state: State.meta({ description: 'The present state of the alarm.' }),
  series: TransitionSeries,
});
type DefinitionEventAnswer = z.infer<typeof DefinitionEventAnswer>;

/** The delivery of a notification ended. */
export const DeliveryEventAnswer = z.strictObject({
  ...AlarmOfEvent,
  notification_id: z.string(),
  time: UtcTimestamp,
  kind: NullableText.meta({ description: 'transition or repeat.' }),
  status: z.string().meta({ description: 'delivered, dead, superseded, silenced or cancelled.' }),
  state: State.meta({ description: 'The state that the notification tells.' }),
  host: NullableText,
  attempts: z.int().nullable(),
  error: NullableText,
  series: TransitionSeries,
});
type DeliveryEventAnswer = z.infer<typeof DeliveryEventAnswer>;

/** A silence was made, changed or ended. */
export const SilenceEventAnswer = z.strictObject({
  silence_id: z.string(),
  project_id: NullableText,
  all_projects: z.boolean(),
  time: UtcTimestamp,
  change: z.string().meta({ description: 'created, changed or ended.' }),
  series: TransitionSeries,
});
type SilenceEventAnswer = z.infer<typeof SilenceEventAnswer>;

/** A pause of deliveries began, was changed or ended. */
export const PauseEventAnswer = z.strictObject({
  project_id: z.string().meta({ description: 'Its project; `*` for a pause of all projects.' }),
  time: UtcTimestamp,
  change: z.string().meta({ description: 'begun, changed or ended.' }),
  series: TransitionSeries,
});
type PauseEventAnswer = z.infer<typeof PauseEventAnswer>;

/** Events may be missing: the client reads its lists again. */
export const ResetEventAnswer = z.strictObject({ reason: z.string() });
export type ResetEventAnswer = z.infer<typeof ResetEventAnswer>;

/** The data of an event of the stream. */
export const StreamEventAnswer = z
  .union([
    TransitionEventAnswer.meta({ description: 'Data of the event `transition`.' }),
    DefinitionEventAnswer.meta({ description: 'Data of the event `definition`.' }),
    DeliveryEventAnswer.meta({ description: 'Data of the event `delivery`.' }),
    SilenceEventAnswer.meta({ description: 'Data of the event `silence`.' }),
    PauseEventAnswer.meta({ description: 'Data of the event `pause`.' }),
    ResetEventAnswer.meta({ description: 'Data of the event `reset`.' }),
  ])
  .meta({ id: 'StreamEvent', description: 'Data of one server-sent event.' });
type EventData =
  TransitionEventAnswer | DefinitionEventAnswer | DeliveryEventAnswer | SilenceEventAnswer | PauseEventAnswer;

const DATA: Readonly<Record<StreamEventKind, (event: StreamEvent) => EventData>> = {
  transition: (event) => ({
    ...alarmOf(event),
    event_id: event.objectId,
    time: utcTimestamp(event.at),
    previous_state: event.previousState,
    state: event.state,
    reason: reasonIn(event.detail),
    series: null,
  }),
  definition: (event) => ({
    ...alarmOf(event),
    event_id: event.objectId,
    time: utcTimestamp(event.at),
    change: event.change as DefinitionEventAnswer['change'],
    state: event.state,
    series: null,
  }),
  delivery: (event) => ({
    ...alarmOf(event),
    notification_id: event.objectId,
    time: utcTimestamp(event.at),
    kind: event.notificationKind,
    status: event.change,
    state: event.state,
    host: event.host,
    attempts: event.attempts,
    error: shownError(event.error, false), // one text for all readers, so as its owner may see it
    series: null,
  }),
  silence: (event) => ({
    silence_id: event.objectId,
    project_id: event.projectId,
    all_projects: event.allProjects,
    time: utcTimestamp(event.at),
    change: event.change,
    series: null,
  }),
  pause: (event) => ({
    project_id: event.objectId,
    time: utcTimestamp(event.at),
    change: event.change,
    series: null,
  }),
};

/** The data of an event. */
export function streamEventAnswer(event: StreamEvent): EventData {
  return DATA[event.kind](event);
}

function alarmOf(event: StreamEvent): z.infer<z.ZodObject<typeof AlarmOfEvent>> {
  return {
    alarm_id: event.alarmId ?? '',
    alarm_name: event.alarmName,
    project_id: event.projectId,
    type: event.alarmType,
    severity: event.severity,
  };
}

/** Evaluations and callers who set the state write their reasons under different names, as Aodh does. */
function reasonIn(detail: string | null): string | null {
  if (detail === null) return null;
  const { transition_reason, state_reason } = JSON.parse(detail) as Partial<Record<string, string>>;
  return transition_reason ?? state_reason ?? null;
}

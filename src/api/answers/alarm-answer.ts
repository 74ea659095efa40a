import { z } from 'zod';

import { normaliseAction } from '../../alarm/action-text.js';
import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS, alarmTypes, typeOf, type AlarmKind } from '../../alarm/types/index.js';
import { RawJson } from '../../alarm/wire/python-json.js';
import { describedInput } from '../../alarm/wire/wire-types.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { TocsinAnswer, tocsinObject } from '../schema/tocsin-object.js';
import { NullableText, StoredObject, Timestamp } from './answer-fields.js';

const Actions = z.array(z.string()).nullable();

/** A time constraint of an alarm. */
const TimeConstraintAnswer = z.strictObject({
  name: z.string(),
  description: z.string(),
  start: z.string(),
  duration: z.int(),
  timezone: z.string(),
});

type RuleField = `${AlarmKind}_rule`;

/** The fields for rules, one for each kind. An alarm has one of them. */
const RULES = Object.fromEntries(
  ALARM_KINDS.map((kind) => [
    `${kind}_rule`,
    StoredObject.optional().meta({ description: `The rule of a ${kind} alarm.`, ...describedRule(kind) }),
  ]),
) as Record<RuleField, z.ZodOptional<typeof StoredObject>>;

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
    ...RULES,
    tocsin: TocsinAnswer.optional().meta({ description: 'Options that Aodh does not have. Absent if none is set.' }),
  })
  .meta({ id: 'Alarm', description: 'An alarm, with the one rule that belongs to its type.' });
export type AlarmAnswer = z.infer<typeof AlarmAnswer>;

/** The state of an alarm. */
export const StateAnswer = z.enum(ALARM_STATES).meta({ id: 'AlarmState' });
export type StateAnswer = z.infer<typeof StateAnswer>;

/** The answer about an alarm, with Aodh's fields in Aodh's order. */
export function alarmAnswer(alarm: StoredAlarm): AlarmAnswer {
  return answerWith(alarm, normaliseAction);
}

/** An alarm as complex queries answer it: with actions as they were given. They hold no secret of this service. */
export function queriedAlarmAnswer(alarm: StoredAlarm): AlarmAnswer {
  return answerWith(alarm, (action) => action);
}

function answerWith(alarm: StoredAlarm, shownAction: (action: string) => string): AlarmAnswer {
  const actions = (list: string[] | null): string[] | null => list && list.map(shownAction);
  return {
    alarm_id: alarm.id,
    name: alarm.name,
    description: alarm.description,
    enabled: alarm.enabled,
    ok_actions: actions(alarm.okActions),
    alarm_actions: actions(alarm.alarmActions),
    insufficient_data_actions: actions(alarm.insufficientDataActions),
    repeat_actions: alarm.repeatActions,
    type: alarm.rule.type,
    time_constraints: alarm.timeConstraints,
    project_id: alarm.projectId,
    user_id: alarm.userId,
    timestamp: isoTimestamp(alarm.timestamp),
    state: alarm.state,
    state_timestamp: isoTimestamp(alarm.stateTimestamp),
    state_reason: alarm.stateReason,
    severity: alarm.severity,
    evaluate_timestamp: isoTimestamp(alarm.evaluateTimestamp),
    ...ruleMember(alarm),
    tocsin: tocsinObject(alarm, alarm.muted ? { muted: true } : {}),
  };
}

function ruleMember({ rule, ruleJson }: StoredAlarm): Pick<AlarmAnswer, RuleField> {
  return { [`${rule.type}_rule`]: new RawJson(typeOf(rule).shownJson?.(rule) ?? ruleJson) };
}

/** An answer has all fields of a rule, with defaults filled in, so the request's schema fits. */
function describedRule(kind: AlarmKind): Record<string, unknown> {
  const { required: _, ...described } = describedInput(alarmTypes[kind].schema);
  return described;
}

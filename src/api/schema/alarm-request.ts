import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { NO_OPTIONS, optionsFromRequest } from '../../alarm/evaluation-options.js';
import { TimeConstraint, TimeConstraints } from '../../alarm/time-constraint/time-constraint.js';
import { ALARM_KINDS, alarmTypes, typeOf, type AlarmKind, type AlarmRule } from '../../alarm/types/index.js';
import { given, optional, textProblem, wireBool, wireEnum, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { wireTimestamp } from './timestamp.js';
import { TocsinRequest } from './tocsin-object.js';

const MAX_NAME = 255;
const MAX_TEXT = 2_048;
/** Reasons of combinations list up to 1,000 ids. */
const MAX_REASON = 64 * 1024;
const MAX_ID = 128;
const MAX_TIME_CONSTRAINTS = 20;

type RuleKey = `${AlarmKind}_rule`;

/** For fields that clients may send back as they read them. The values are ignored. */
const SET_BY_SERVICE = { readOnly: true };

const Action = z
  .unknown()
  .transform((value, context): string => {
    if (value === null) {
      context.addIssue({ code: 'custom', message: 'Unable to parse action None', params: { whole: true } });
      return z.NEVER;
    }
    const problem = textProblem(value, { max: MAX_TEXT });
    if (problem === undefined) return value as string;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  })
  .meta({ type: 'string', maxLength: MAX_TEXT }) as unknown as z.ZodType<string>;

/** Null stays null: clients send it and expect it back. */
const Actions = given(wireList(Action)).transform((list) => (list ? [...new Set(list)] : list === null ? null : []));

const Rules = Object.fromEntries(
  ALARM_KINDS.map((kind) => [`${kind}_rule`, given<AlarmRule>(alarmTypes[kind].schema)]),
) as Record<RuleKey, z.ZodType<AlarmRule | null | undefined>>;

/** The body of POST and PUT on alarms. Fields that the server sets are checked and not used. */
export const AlarmRequest = z
  .strictObject({
    alarm_id: given(wireText({ max: MAX_ID })).meta(SET_BY_SERVICE),
    name: wireText({ max: MAX_NAME }).meta({ title: 'Name' }),
    description: optional(wireText({ max: MAX_TEXT }), '').meta({
      title: 'Description',
      description: 'Empty: a text is made from the rule.',
    }),
    enabled: optional(wireBool(), true).meta({
      title: 'Enabled',
      description: 'A disabled alarm is not evaluated and sends nothing.',
    }),
    ok_actions: Actions.meta({ title: 'Actions on ok' }),
    alarm_actions: Actions.meta({
      title: 'Actions on alarm',
      description: 'URLs that are called, such as https://example.com/hook.',
    }),
    insufficient_data_actions: Actions.meta({ title: 'Actions on insufficient data' }),
    repeat_actions: optional(wireBool(), false).meta({
      title: 'Repeat actions',
      description: 'Run the actions at each evaluation, not only when the state changes.',
    }),
    type: wireEnum(ALARM_KINDS).meta({ title: 'Type' }),
    time_constraints: optional(
      wireList(TimeConstraint, { max: MAX_TIME_CONSTRAINTS }).pipe(TimeConstraintList()),
      [],
    ).meta({
      title: 'Time constraints',
      description: 'The alarm is evaluated only within one of them. None: always.',
    }),
    project_id: given(wireText({ max: MAX_ID })).meta({
      title: 'Project',
      description: 'The project that the alarm belongs to. Only admins may name another one than their own.',
    }),
    user_id: given(wireText({ max: MAX_ID })).meta({
      title: 'User',
      description: 'The user that the alarm belongs to. Only admins may name another one than themselves.',
    }),
    timestamp: wireTimestamp().meta(SET_BY_SERVICE),
    state: optional(wireEnum(ALARM_STATES), 'insufficient data').meta({
      title: 'State',
      description: 'State until the first evaluation.',
    }),
    state_timestamp: wireTimestamp().meta(SET_BY_SERVICE),
    state_reason: given(wireText({ max: MAX_REASON })).meta(SET_BY_SERVICE),
    severity: optional(wireEnum(SEVERITIES), 'low').meta({ title: 'Severity' }),
    evaluate_timestamp: wireTimestamp().meta(SET_BY_SERVICE),
    tocsin: given(TocsinRequest),
    ...Rules,
  })
  .transform((request, context) => {
    // zod runs this also if the body has an unknown attribute.
    if (context.issues.length > 0) return z.NEVER;
    const rule = theRule(request, request.type);
    if ('message' in rule) {
      context.addIssue({ code: 'custom', message: rule.message, path: [rule.field], params: { whole: true } });
      return z.NEVER;
    }
    const evaluationOptions = optionsFromRequest(request.tocsin);
    const problem = typeOf(rule).optionProblem(rule, evaluationOptions ?? NO_OPTIONS);
    if (problem === undefined) return { ...request, rule, evaluationOptions };
    context.addIssue({ code: 'custom', message: `It ${problem.message}`, path: ['tocsin', problem.option] });
    return z.NEVER;
  })
  .meta({ id: 'AlarmRequest' });
export type AlarmRequest = z.infer<typeof AlarmRequest>;

/** The body of PUT on an alarm's state. */
export const StateRequest = z.enum(ALARM_STATES);

/** The one rule of the body, or the problem: a rule that is missing, or one that is not of this type. */
function theRule(request: Record<string, unknown>, type: AlarmKind): AlarmRule | { message: string; field: RuleKey } {
  const present = ALARM_KINDS.filter(
    (kind) => request[`${kind}_rule`] !== undefined && request[`${kind}_rule`] !== null,
  );
  if (!present.includes(type))
    return { message: `${type}_rule must be set for ${type} type alarm`, field: `${type}_rule` };
  const [one, another] = [...present].sort();
  if (another !== undefined) {
    const superfluous = present.find((kind) => kind !== type) ?? another;
    const message = `${one}_rule and ${another}_rule cannot be set at the same time`;
    return { message, field: `${superfluous}_rule` };
  }
  return request[`${type}_rule`] as AlarmRule;
}

/** Checks what the constraints must keep together. Each of them is parsed already. */
function TimeConstraintList(): z.ZodType<TimeConstraint[], TimeConstraint[]> {
  return TimeConstraints as unknown as z.ZodType<TimeConstraint[], TimeConstraint[]>;
}

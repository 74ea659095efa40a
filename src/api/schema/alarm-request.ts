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
    alarm_id: given(wireText({ max: MAX_ID })),
    name: wireText({ max: MAX_NAME }),
    description: optional(wireText({ max: MAX_TEXT }), ''),
    enabled: optional(wireBool(), true),
    ok_actions: Actions,
    alarm_actions: Actions,
    insufficient_data_actions: Actions,
    repeat_actions: optional(wireBool(), false),
    type: wireEnum(ALARM_KINDS),
    time_constraints: optional(wireList(TimeConstraint, { max: MAX_TIME_CONSTRAINTS }).pipe(TimeConstraintList()), []),
    project_id: given(wireText({ max: MAX_ID })),
    user_id: given(wireText({ max: MAX_ID })),
    timestamp: wireTimestamp(),
    state: optional(wireEnum(ALARM_STATES), 'insufficient data'),
    state_timestamp: wireTimestamp(),
    state_reason: given(wireText({ max: MAX_REASON })),
    severity: optional(wireEnum(SEVERITIES), 'low'),
    evaluate_timestamp: wireTimestamp(),
    tocsin: given(TocsinRequest),
    ...Rules,
  })
  .transform((request, context) => {
    // zod runs this also if the body has an unknown attribute.
    if (context.issues.length > 0) return z.NEVER;
    const rule = theRule(request, request.type);
    if (typeof rule === 'string') {
      context.addIssue({ code: 'custom', message: rule, params: { whole: true } });
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

/** The one rule of the body, or the problem as text. */
function theRule(request: Record<string, unknown>, type: AlarmKind): AlarmRule | string {
  const present = ALARM_KINDS.filter(
    (kind) => request[`${kind}_rule`] !== undefined && request[`${kind}_rule`] !== null,
  );
  if (!present.includes(type)) return `${type}_rule must be set for ${type} type alarm`;
  const [one, another] = [...present].sort();
  if (another !== undefined) return `${one}_rule and ${another}_rule cannot be set at the same time`;
  return request[`${type}_rule`] as AlarmRule;
}

/** Checks what the constraints must keep together. Each of them is parsed already. */
function TimeConstraintList(): z.ZodType<TimeConstraint[], TimeConstraint[]> {
  return TimeConstraints as unknown as z.ZodType<TimeConstraint[], TimeConstraint[]>;
}

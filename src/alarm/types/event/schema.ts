import { z } from 'zod';

import { given, optional, wireList, wireText } from '../../wire/wire-types.js';
import { CONDITION_WORDS, CONDITIONS_WORDS } from '../field-words.js';
import { OPERATORS, typedValue, VALUE_TYPES, type Operator, type ValueType } from './typed-value.js';

const MAX_ITEMS = 50;
const FIELD = /^[a-zA-Z.',0-9_-]*$/;
const quoted = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;

const QueryItem = z
  .strictObject({
    field: wireText({ max: 255 }).meta(CONDITION_WORDS.field),
    op: optional(wireText({ max: 16 }).meta({ enum: OPERATORS }), 'eq').meta(CONDITION_WORDS.op),
    value: wireText({ max: 2048 }).meta(CONDITION_WORDS.value),
    // Aodh's schema lets the type be absent, but its check then refuses the condition. Here an absent type means text,
    // as the empty type does.
    type: optional(wireText({ max: 16 }).meta({ enum: ['', ...VALUE_TYPES] }), '').meta(CONDITION_WORDS.type),
  })
  .transform((item, context) => {
    const problem = problemOf(item);
    if (problem === undefined) return item as EventQueryItem;
    context.addIssue({ code: 'custom', message: problem.message, path: [problem.at], params: { whole: true } });
    return z.NEVER;
  });

/** A condition on an event: the value at `field`, compared with `value` as a `type`. The empty type means text. */
export interface EventQueryItem {
  field: string;
  op: Operator;
  value: string;
  type: ValueType | '';
}

/**
 * The pattern, and the text in the request: Aodh applies the default `*` when it reads the rule, not when it stores it.
 */
const EventType = given(wireText({ max: 255 }))
  .transform((sent) => (sent === undefined ? { pattern: '*', sent: '*' } : { pattern: sent || '*', sent }))
  .meta({
    default: '*',
    title: 'Event type',
    description: 'A shell pattern, such as compute.instance.*; * matches all.',
  });

/** Aodh's `event_rule`: a shell pattern for event types, and conditions that must all hold. */
export const EventRule = z
  .strictObject({
    event_type: EventType,
    query: optional(wireList(QueryItem, { max: MAX_ITEMS }), []).meta({
      ...CONDITIONS_WORDS,
      description: 'An event must meet all of them. Fields are traits.NAME, event_type, generated and others.',
    }),
  })
  .transform(({ event_type: { pattern, sent }, query }): EventRule => {
    return {
      type: 'event',
      event_type: pattern,
      query,
      ...(sent ? {} : { sent_event_type: sent === null ? null : '' }),
    };
  })
  .meta({ title: 'Event', description: 'Fires on each event that matches.' }) as unknown as z.ZodType<EventRule>;

export interface EventRule {
  type: 'event';
  event_type: string;
  query: EventQueryItem[];
  /**
   * Present if the request has it instead of a pattern. Aodh's description and history repeat it, but its answers say
   * `*`.
   */
  sent_event_type?: '' | null;
}

/** The wrong field of a condition, with Aodh's error text. */
interface ConditionProblem {
  at: string;
  message: string;
}

/** Aodh's error texts, in the order of its two checks: the value first, the other fields after it. */
function problemOf({
  field,
  op,
  value,
  type,
}: {
  field: string;
  op: string;
  value: string;
  type: string;
}): ConditionProblem | undefined {
  if (type !== '' && !isOneOf(VALUE_TYPES, type)) {
    const message = `The data type ${type} is not supported. The supported data type list is: ${quoted(VALUE_TYPES)}`;
    return { at: 'type', message };
  }
  if (typedValue(value, type === '' ? 'string' : type) === undefined)
    return { at: 'value', message: `Unable to convert the value ${value} to the expected data type ${type}.` };
  if (!FIELD.test(field)) return invalid('field', `does not match regular expression ${FIELD.source}`);
  if (!isOneOf(OPERATORS, op)) return invalid('op', `value must be one of ${quoted(OPERATORS)}`);
  return undefined;
}

function invalid(name: string, problem: string): ConditionProblem {
  return { at: name, message: `Query value or traits invalid: ${problem} for dictionary value @ data['${name}']` };
}

function isOneOf<T extends string>(known: readonly T[], text: string): text is T {
  return (known as readonly string[]).includes(text);
}

import type { Reason } from '../../decide.js';
import { pythonJson, type PythonValue } from '../../wire/python-json.js';
import type { AlarmEvent } from './event.js';
import type { EventQueryItem, EventRule } from './schema.js';
import { shellPattern } from './shell-pattern.js';
import { compare, typedValue, type TypedValue } from './typed-value.js';

/** A rule prepared for matching many events. */
export interface EventMatcher {
  /** The pattern of event types. Rules with the same pattern watch the same types. */
  pattern: string;
  /** True if the event type matches the pattern. */
  watches(eventType: string): boolean;
  /** True if all conditions on the event hold. */
  holds(event: AlarmEvent): boolean;
}

/** Prepares a rule. */
export function eventMatcher(rule: EventRule): EventMatcher {
  const conditions = rule.query.map(conditionOf);
  return {
    pattern: rule.event_type,
    watches: shellPattern(rule.event_type),
    holds: (event) => conditions.every((condition) => condition(event)),
  };
}

/** True if the event triggers an alarm with this rule. */
export function matches(rule: EventRule, event: AlarmEvent): boolean {
  const matcher = eventMatcher(rule);
  return matcher.watches(event.eventType) && matcher.holds(event);
}

function conditionOf({ field, op, value, type }: EventQueryItem): (event: AlarmEvent) => boolean {
  const valueType = type === '' ? 'string' : type;
  const wanted = typedValue(value, valueType);
  if (wanted === undefined) return () => false;
  if (!field.startsWith('traits.')) {
    // Untyped JSON is converted to the type of the condition. (In Aodh such conditions always fail.)
    const path = field.split('.');
    return ({ raw }) => compare(typedValue(at(raw, path), valueType), op, wanted);
  }
  const name = field.slice('traits.'.length);
  return ({ traits }) => compare(comparable(traits.get(name), wanted.kind), op, wanted);
}

/**
 * A trait keeps its type, so a text never equals a number. Traits cannot be booleans, so for a boolean condition the
 * trait is converted.
 */
function comparable(trait: TypedValue | undefined, kind: TypedValue['kind']): TypedValue | undefined {
  if (kind !== 'boolean' || trait === undefined || trait.kind === 'datetime') return trait;
  return typedValue(String(trait.value), 'boolean');
}

/** The value at a dotted path; undefined if there is none. */
function at(root: unknown, path: readonly string[]): unknown {
  let found = root;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** The event that triggered an alarm, and the rule's conditions. */
export interface EventFindings {
  query: readonly EventQueryItem[];
  event: AlarmEvent;
}

/** Aodh's reason, with the keys of the conditions sorted. */
export function explainEvent({ query, event }: EventFindings): Reason {
  const sorted = query.map(({ field, op, type, value }) => ({ field, op, type, value }));
  return {
    reason: `Event <id=${event.messageId},event_type=${event.eventType}> hits the query <query=${pythonJson(sorted)}>.`,
    reasonData: { type: 'event', event: event.raw as PythonValue },
  };
}

import type { Reason } from '../../decide.js';
import { pythonJson, type PythonValue } from '../../wire/python-json.js';
import type { AlarmEvent } from './event.js';
import type { EventQueryItem, EventRule } from './schema.js';
import { shellPattern } from './shell-pattern.js';
import { compare, typedValue, type TypedValue } from './typed-value.js';

/** A rule made ready to be asked about many events. */
export interface EventMatcher {
  /** The pattern that `watches` asks: rules with the same one watch the same types. */
  pattern: string;
  /** About the event's type alone: the same for all events of a type. */
  watches(eventType: string): boolean;
  /** Whether every condition holds. */
  holds(event: AlarmEvent): boolean;
}

export function eventMatcher(rule: EventRule): EventMatcher {
  const conditions = rule.query.map(conditionOf);
  return {
    pattern: rule.event_type,
    watches: shellPattern(rule.event_type),
    holds: (event) => conditions.every((condition) => condition(event)),
  };
}

/** Whether an event sets off an alarm with this rule. */
export function matches(rule: EventRule, event: AlarmEvent): boolean {
  const matcher = eventMatcher(rule);
  return matcher.watches(event.eventType) && matcher.holds(event);
}

function conditionOf({ field, op, value, type }: EventQueryItem): (event: AlarmEvent) => boolean {
  const valueType = type === '' ? 'string' : type;
  const wanted = typedValue(value, valueType);
  if (wanted === undefined) return () => false;
  if (!field.startsWith('traits.')) {
    // Untyped JSON takes the type of the condition. (In Aodh such conditions fail always.)
    const path = field.split('.');
    return ({ raw }) => compare(typedValue(at(raw, path), valueType), op, wanted);
  }
  const name = field.slice('traits.'.length);
  return ({ traits }) => compare(comparable(traits.get(name), wanted.kind), op, wanted);
}

/**
 * A trait keeps its own type, so that text never equals a number; but no trait is a boolean, so those are read out of
 * the others.
 */
function comparable(trait: TypedValue | undefined, kind: TypedValue['kind']): TypedValue | undefined {
  if (kind !== 'boolean' || trait === undefined || trait.kind === 'datetime') return trait;
  return typedValue(String(trait.value), 'boolean');
}

/** What is at a dotted path; undefined where there is nothing. */
function at(root: unknown, path: readonly string[]): unknown {
  let found = root;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

export interface EventFindings {
  query: readonly EventQueryItem[];
  event: AlarmEvent;
}

/** Aodh's words; the query with its keys sorted. */
export function explainEvent({ query, event }: EventFindings): Reason {
  const sorted = query.map(({ field, op, type, value }) => ({ field, op, type, value }));
  return {
    reason: `Event <id=${event.messageId},event_type=${event.eventType}> hits the query <query=${pythonJson(sorted)}>.`,
    reasonData: { type: 'event', event: event.raw as PythonValue },
  };
}

import type { Severity } from '../alarm.js';
import { shellPattern } from '../types/event/shell-pattern.js';

/** The fields of an alarm that a silence can match. */
export const MATCHER_FIELDS = ['alarm_id', 'name', 'type', 'severity'] as const;
export type MatcherField = (typeof MATCHER_FIELDS)[number];

/** A condition on one field of an alarm. The value of `name` is a shell pattern; the others are compared. */
export interface AlarmMatcher {
  field: MatcherField;
  value: string;
}

/** An alarm as silences see it. */
export interface MatchedAlarm {
  id: string;
  projectId: string | null;
  name: string;
  type: string;
  severity: Severity;
}

/** Makes a predicate that is true for alarms which fulfil all matchers. False for all alarms if there is no matcher. */
export function alarmMatcher(matchers: readonly AlarmMatcher[]): (alarm: MatchedAlarm) => boolean {
  const conditions = matchers.map(conditionOf);
  return (alarm) => conditions.length > 0 && conditions.every((holds) => holds(alarm));
}

function conditionOf({ field, value }: AlarmMatcher): (alarm: MatchedAlarm) => boolean {
  switch (field) {
    case 'alarm_id':
      return ({ id }) => id === value;
    case 'name': {
      const matches = namePattern(value);
      return ({ name }) => matches(name);
    }
    case 'type':
      return ({ type }) => type === value;
    case 'severity':
      return ({ severity }) => severity === value;
    default:
      return () => false; // a field of another release: the silence holds nothing that it might not mean
  }
}

/** A shell pattern. Those with `*` at their ends only are tested faster: a project may have a thousand silences. */
function namePattern(pattern: string): (name: string) => boolean {
  const [, first, text = '', last] = /^(\*?)([^*?[]+)(\*?)$/.exec(pattern) ?? [];
  if (!first || text === '') return shellPattern(pattern);
  return last ? (name) => name.includes(text) : (name) => name.endsWith(text);
}

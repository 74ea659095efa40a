import { isEqual } from './json-equal.js';

/** Fields that the service sets, and ignores in requests. */
export const READ_ONLY = ['alarm_id', 'timestamp', 'state_timestamp', 'state_reason', 'evaluate_timestamp'];
/** Fields of an alarm that are not part of its definition: evaluations or each edit change them. */
const NOT_DEFINED = [...READ_ONLY, 'state'];

/** The definition of an alarm: what users change. */
export function definitionOf(alarm: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(alarm).filter(([name]) => !NOT_DEFINED.includes(name)));
}

/** True if two versions of an alarm differ in their states at most. */
export function haveSameDefinition(one: object, other: object): boolean {
  return isEqual(definitionOf(one), definitionOf(other));
}

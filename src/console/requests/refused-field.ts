import { RequestRefused } from './client.js';

/** A field that the service has refused. */
export interface RefusedField {
  /** The name of the field in the request. */
  field: string;
  /** Its position, if it stands in a list; the innermost one. */
  index: number | undefined;
  /** What is wrong with it. */
  text: string;
}

const BEGIN = 'Invalid input for field/attribute ';
const BEFORE_VALUE = ". Value: '";
const BEHIND_VALUE = "'. ";

/** The field that a refusal names; undefined for other failures. */
export function refusedField(thrown: unknown): RefusedField | undefined {
  if (!(thrown instanceof RequestRefused) || !thrown.fault.startsWith(BEGIN)) return undefined;
  const text = thrown.fault.slice(BEGIN.length);
  const valueAt = text.indexOf(BEFORE_VALUE);
  const endAt = text.lastIndexOf(BEHIND_VALUE);
  if (valueAt < 0 || endAt < valueAt) return undefined;
  return {
    field: text.slice(0, valueAt),
    index: positionIn(thrown.field),
    text: text.slice(endAt + BEHIND_VALUE.length),
  };
}

/** The last number in a JSON Pointer: 1 in `/matchers/1/value`. */
function positionIn(pointer: string | undefined): number | undefined {
  const position = pointer?.split('/').findLast((part) => /^\d+$/.test(part));
  return position === undefined ? undefined : Number(position);
}

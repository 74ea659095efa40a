import { RequestRefused } from './client.js';

/** A field that the service has refused. */
export interface RefusedField {
  /** The name of the field in the request. */
  field: string;
  /** Its position in the innermost list; undefined if it is in no list. */
  index: number | undefined;
  /** The reason for the refusal. */
  text: string;
}

const BEGIN = 'Invalid input for field/attribute ';
const BEFORE_VALUE = ". Value: '";
const BEHIND_VALUE = "'. ";

/** The field that a refusal names; undefined for other failures. */
export function refusedField(thrown: unknown): RefusedField | undefined {
  if (!(thrown instanceof RequestRefused) || thrown.status !== 400) return undefined;
  const named = namedIn(thrown.fault);
  const parts = thrown.field?.split('/') ?? [];
  const field = parts.findLast((part) => part !== '' && !IS_POSITION.test(part)) ?? named?.field;
  if (field === undefined) return undefined;
  const position = parts.findLast((part) => IS_POSITION.test(part));
  return {
    field,
    index: position === undefined ? undefined : Number(position),
    text: named?.text ?? thrown.fault,
  };
}

const IS_POSITION = /^\d+$/;

/** The name in Aodh's text, and the text without name and value, since it stands beside the field. */
function namedIn(fault: string): Pick<RefusedField, 'field' | 'text'> | undefined {
  if (!fault.startsWith(BEGIN)) return undefined;
  const text = fault.slice(BEGIN.length);
  const valueAt = text.indexOf(BEFORE_VALUE);
  const endAt = text.lastIndexOf(BEHIND_VALUE);
  if (valueAt < 0 || endAt < valueAt) return undefined;
  return { field: text.slice(0, valueAt), text: text.slice(endAt + BEHIND_VALUE.length) };
}

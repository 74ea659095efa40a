import { RequestRefused } from './client.js';

/** A refusal by the service, split into field and reason. */
export interface ReadRefusal {
  /** Names and positions on the way to the refused field, if the service sent it: `['matchers', '0', 'value']`. */
  path: readonly string[] | undefined;
  /** The last name of the field, if only the text names it. */
  name: string | undefined;
  /** The reason without the name and the value of the field, since it stands beside the field. */
  text: string;
}

/** A field that the service has refused. */
export interface RefusedField {
  /** The name of the field in the request. */
  field: string;
  /** Its position in the innermost list; undefined if it is in no list. */
  index: number | undefined;
  /** The reason for the refusal. */
  text: string;
}

/** Aodh's text of the refusal of a field. */
const NAMED = /^Invalid input for field\/attribute (\S+)\. Value: '[\s\S]*?'\. (\S[\s\S]*)$/;
const IS_POSITION = /^\d+$/;

/** Reads a refusal: the header with the JSON Pointer of the field, or else the text. */
export function refusalOf({ fault, field }: RequestRefused): ReadRefusal {
  const [, name, text] = NAMED.exec(fault) ?? [];
  return {
    path: field
      ?.split('/')
      .slice(1)
      .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~')),
    name: name?.split('.').at(-1),
    text: text ?? fault,
  };
}

/** The field that a refusal names; undefined for other failures. */
export function refusedField(thrown: unknown): RefusedField | undefined {
  if (!(thrown instanceof RequestRefused) || thrown.status !== 400) return undefined;
  const { path = [], name, text } = refusalOf(thrown);
  const field = path.findLast((part) => part !== '' && !IS_POSITION.test(part)) ?? name;
  if (field === undefined) return undefined;
  const position = path.findLast((part) => IS_POSITION.test(part));
  return { field, index: position === undefined ? undefined : Number(position), text };
}

import { RequestRefused } from '../requests/client.js';
import { valueAt, type Draft, type FieldPath } from './draft.js';

/** Why the service refused a draft, and the path of the refused field; undefined: the whole alarm. */
export interface FieldFault {
  path: FieldPath | undefined;
  text: string;
}

/** The refusal of a draft; undefined for other failures. `known`: paths of the fields of the form. */
export function faultOf(failure: unknown, draft: Draft, known: readonly FieldPath[]): FieldFault | undefined {
  if (!(failure instanceof RequestRefused) || (failure.status !== 400 && failure.status !== 401)) return undefined;
  const { fault: text, field } = failure;
  const path = field === undefined ? namedIn(text, draft, known) : pathOf(field, draft);
  return { path, text: shortened(text) };
}

/** A JSON Pointer as a path. Requests for a draft hold the alarm in a field of this name. */
function pathOf(pointer: string, draft: Draft): FieldPath {
  const names = pointer
    .split('/')
    .slice(1)
    .map((name) => name.replace(/~1/g, '/').replace(/~0/g, '~'));
  const within = names[0] === 'alarm' ? names.slice(1) : names;
  return within.reduce<(string | number)[]>((path, name) => {
    const isMember = Array.isArray(valueAt(draft, path)) && /^\d+$/.test(name);
    return [...path, isMember ? Number(name) : name];
  }, []);
}

/** The field whose name or value is in the text. Refusals without the header `Tocsin-Field` need this. */
function namedIn(text: string, draft: Draft, known: readonly FieldPath[]): FieldPath | undefined {
  const name = /^Invalid input for field\/attribute ([\w.]+)\. Value:/.exec(text)?.[1]?.split('.').at(-1);
  if (name !== undefined) return known.find((path) => path.at(-1) === name);
  return membersIn(draft).find((path) => text.includes(String(valueAt(draft, path))));
}

/** Paths of texts in lists: actions, and ids of alarms. */
function membersIn(value: unknown, path: FieldPath = []): FieldPath[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
    const isMember = Array.isArray(value);
    const at = [...path, isMember ? Number(name) : name];
    return isMember && typeof each === 'string' && each !== '' ? [at] : membersIn(each, at);
  });
}

/** The text without the name and the value of the field, beside which it stands. */
function shortened(text: string): string {
  return /^Invalid input for field\/attribute [\w.]+\. Value: '[\s\S]*?'\. (\S[\s\S]*)$/.exec(text)?.[1] ?? text;
}

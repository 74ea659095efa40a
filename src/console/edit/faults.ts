import { RequestRefused } from '../requests/client.js';
import { refusalOf } from '../requests/refused-field.js';
import { valueAt, type Draft, type FieldPath } from './draft.js';

/** Why the service refused a draft, and the path of the refused field; undefined: the whole alarm. */
export interface FieldFault {
  path: FieldPath | undefined;
  text: string;
}

/** The refusal of a draft; undefined for other failures. `known`: paths of the fields of the form. */
export function faultOf(failure: unknown, draft: Draft, known: readonly FieldPath[]): FieldFault | undefined {
  if (!(failure instanceof RequestRefused) || (failure.status !== 400 && failure.status !== 401)) return undefined;
  const { path, name, text } = refusalOf(failure);
  if (path !== undefined) return { path: pathIn(draft, path), text };
  if (name !== undefined) return { path: known.find((each) => each.at(-1) === name), text };
  // The text of such a refusal has the wrong member of a list in it.
  return { path: membersIn(draft).find((each) => text.includes(String(valueAt(draft, each)))), text };
}

/** A path of a refusal in the draft. Requests for a draft hold the alarm in a field of this name. */
function pathIn(draft: Draft, path: readonly string[]): FieldPath {
  const within = path[0] === 'alarm' ? path.slice(1) : path;
  return within.reduce<(string | number)[]>((found, name) => {
    const isMember = Array.isArray(valueAt(draft, found)) && /^\d+$/.test(name);
    return [...found, isMember ? Number(name) : name];
  }, []);
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

import { RequestRefused } from '../requests/client.js';
import { refusalOf } from '../requests/refused-field.js';
import { isEqual } from '../requests/json-equal.js';
import { valueAt, type Draft, type FieldPath } from './draft.js';
import type { PlacedField } from './form-sections.js';

/** Why the service refused a draft, and the path of the refused field; undefined: the whole alarm. */
export interface FieldFault {
  path: FieldPath | undefined;
  text: string;
  /** The refused value. */
  value?: unknown;
}

/** The refusal of a draft; undefined for other failures. `known`: paths of the fields of the form. */
export function faultOf(failure: unknown, draft: Draft, known: readonly FieldPath[]): FieldFault | undefined {
  if (!(failure instanceof RequestRefused)) return undefined;
  const { path, name, text } = refusalOf(failure);
  const found = path === undefined ? known.find((each) => each.at(-1) === name) : pathIn(draft, path);
  if (found !== undefined) return { path: found, text, value: valueAt(draft, found) };
  return failure.status === 400 || failure.status === 401 ? { path: undefined, text } : undefined;
}

/** True until the refused value is changed. */
export function stillHolds({ path, value }: FieldFault, draft: Draft): boolean {
  return path === undefined || isEqual(valueAt(draft, path), value);
}

/** The field of the form in which a path is; undefined for a path that the form does not show. */
export function fieldAround(path: FieldPath | undefined, fields: readonly PlacedField[]): PlacedField | undefined {
  return fields.find((each) => path !== undefined && each.path.every((name, index) => path[index] === name));
}

/** A path of a refusal in the draft. Requests for a draft hold the alarm in a field of this name. */
function pathIn(draft: Draft, path: readonly string[]): FieldPath {
  const within = path[0] === 'alarm' ? path.slice(1) : path;
  return within.reduce<(string | number)[]>((found, name) => {
    const isMember = Array.isArray(valueAt(draft, found)) && /^\d+$/.test(name);
    return [...found, isMember ? Number(name) : name];
  }, []);
}

import { READ_ONLY } from '../requests/alarm-definition.js';
import { isEqual, isObject } from '../requests/json-equal.js';
import type { RuleForm } from './form-fields.js';

/** The path of a value within a draft. */
export type FieldPath = readonly (string | number)[];

/** The body of an alarm that is not saved yet. Fields that the form does not know stay in it. */
export type Draft = Readonly<Record<string, unknown>>;

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (found, name) => (found as Record<string | number, unknown> | null | undefined)?.[name],
    value,
  );
}

/** A copy of a value with `next` at the path. Undefined removes the field or the member of a list. */
export function withValue(value: unknown, [name, ...rest]: FieldPath, next: unknown): unknown {
  if (name === undefined) return next;
  if (typeof name === 'number') {
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    if (rest.length === 0 && next === undefined) return list.toSpliced(name, 1);
    return Object.assign([...list], { [name]: withValue(list[name], rest, next) });
  }
  const { [name]: before, ...others } = (value ?? {}) as Record<string, unknown>;
  const changed = withValue(before, rest, next);
  if (changed === undefined) return others;
  // The order of the fields stays.
  return { ...(value as object | null | undefined), [name]: changed };
}

/** Fields that a copy leaves out, too: it starts with a state, a project and a user of its own. */
const NOT_COPIED = ['state', 'project_id', 'user_id'];

/** The built-in meter with which a new alarm begins, and its resource. */
export interface WatchedMeter {
  meter?: string | undefined;
  resource?: string | undefined;
}

/** The draft of a new alarm. It compares by "greater than", as most alarms do; the default of the API is "equal". */
export function newDraft({ type, fields }: RuleForm, { meter, resource }: WatchedMeter = {}): Draft {
  const has = (field: string): boolean => fields.some(({ name }) => name === field);
  const isTree = fields.some(({ shape }) => shape.kind === 'tree');
  const rule = {
    ...(meter !== undefined && has('meter_name') && { meter_name: meter }),
    ...(resource !== undefined && has('query') && { query: [{ field: 'resource_id', op: 'eq', value: resource }] }),
    ...(has('comparison_operator') && { comparison_operator: 'gt' }),
    ...(isTree && { or: [] }),
  };
  return { name: '', type, [`${type}_rule`]: rule };
}

/** The draft of an edit of a stored alarm. */
export function draftOf(alarm: Draft): Draft {
  return without(alarm, READ_ONLY);
}

/** The draft of a copy of a stored alarm. */
export function copyOf(alarm: Draft): Draft {
  const { tocsin, ...copy } = without(alarm, [...READ_ONLY, ...NOT_COPIED]);
  const options = withoutMuted(tocsin);
  return { ...copy, name: `${String(copy['name'])} (copy)`, ...(options === undefined ? {} : { tocsin: options }) };
}

/** The draft as it is evaluated: a new alarm of the user, which cannot be muted. */
export function testedDraft({ tocsin, user_id: _, ...draft }: Draft): Draft {
  const options = withoutMuted(tocsin);
  return options === undefined ? draft : { ...draft, tocsin: options };
}

function withoutMuted(tocsin: unknown): object | undefined {
  if (typeof tocsin !== 'object' || tocsin === null) return undefined;
  return without(tocsin as Draft, ['muted']);
}

function without(value: Draft, names: readonly string[]): Draft {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** A field that differs between two drafts. */
export interface DraftChange {
  path: FieldPath;
  before: unknown;
  after: unknown;
}

/** The fields in which two drafts differ. Lists are compared as a whole. */
export function changesBetween(before: unknown, after: unknown, path: FieldPath = []): DraftChange[] {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changesBetween(before[name], after[name], [...path, name]));
  }
  return isEqual(before, after) ? [] : [{ path, before, after }];
}

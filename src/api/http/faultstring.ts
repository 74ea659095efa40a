import type { z } from 'zod';

import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError, type BodyPath } from '../../errors.js';

type Issue = z.core.$ZodIssue;

/** The parsed value, for error messages about it. */
export interface FaultContext {
  /** Aodh's name for the body of the request, for example `data`. */
  argument: string;
  /** The value that was parsed. Messages quote the invalid part of it. */
  value: unknown;
  /** Precedes the name of the field: the index of the list member, for example `[3]`. */
  prefix?: string;
  /** Path of the value within the body; absent if it is the body. */
  within?: BodyPath;
}

/** Parses a value. @throws AppError with the message of Aodh's framework for the first problem. */
export function parseWith<T>(schema: z.ZodType<T>, context: FaultContext): T {
  const parsed = schema.safeParse(context.value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  throw new AppError('invalid_request', faultstring(issues, context), fieldOf(issues, context));
}

/** The path of the field with the first problem; none if the whole body is wrong. */
function fieldOf(issues: readonly Issue[], { within = [] }: FaultContext): { field?: BodyPath } {
  const issue = firstOf(issues);
  if (issue === undefined) return {};
  const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const all = [...wholePath(issue), ...(unknown === undefined ? [] : [unknown])];
  const field = [...within, ...all.filter((part) => typeof part !== 'symbol')];
  return field.length === 0 ? {} : { field };
}

/**
 * The path with the part that Aodh's texts leave out. Schemas put that into `params.unnamed`, with its place from the
 * end.
 */
function wholePath(issue: Issue): PropertyKey[] {
  const { unnamed } = ('params' in issue ? issue.params : undefined) ?? {};
  const { path, before } = (unnamed ?? { path: [], before: 0 }) as { path: readonly PropertyKey[]; before: number };
  return issue.path.toSpliced(issue.path.length - before, 0, ...path);
}

/** Unknown attributes come first, as in Aodh. */
function firstOf(issues: readonly Issue[]): Issue | undefined {
  return issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
}

/** Aodh's message for the first problem. */
export function faultstring(issues: readonly Issue[], context: FaultContext): string {
  const issue = firstOf(issues);
  if (issue === undefined) return `Invalid input for field/attribute ${context.argument}.`;
  if (issue.code === 'unrecognized_keys') {
    const nested = [context.argument + (context.prefix ?? ''), ...names(issue)].join('.');
    return `Unknown attribute${issue.keys.length > 1 ? 's' : ''} for argument ${nested}: ${issue.keys.join(', ')}`;
  }
  if (isFullMessage(issue)) return issue.message;
  const { field, value } = at(issue, context);
  return `Invalid input for field/attribute ${field}. Value: '${shownText(value)}'. ${messageOf(issue, context)}`;
}

/** True if the answer is the message alone, without the name of the field. Schemas mark it by `params.whole`. */
function isFullMessage(issue: Issue): boolean {
  return issue.code === 'custom' && issue.params?.['whole'] === true;
}

/** The last field name in the path of the problem, and the value of that field. */
function at(issue: Issue, { argument, value, prefix }: FaultContext): { field: string; value: unknown } {
  const last = issue.path.findLastIndex((part) => typeof part === 'string');
  const name = last < 0 ? argument : String(issue.path[last]);
  const field = prefix === undefined ? name : `${argument}${prefix}${last < 0 ? '' : `.${name}`}`;
  return { field, value: valueAt(value, issue.path.slice(0, last + 1)) };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(memberOf, value);
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined;
}

function names(issue: Issue): string[] {
  return issue.path.filter((part) => typeof part === 'string');
}

function messageOf(issue: Issue, { value }: FaultContext): string {
  // Only objects come from schemas of zod itself. All other types have a schema of `wire-types.ts` with own messages.
  return issue.code === 'invalid_type'
    ? `Wrong type. Expected an object, got ${kindOf(valueAt(value, issue.path))}`
    : issue.message;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  return Array.isArray(value) ? 'a list' : typeof value;
}

import type { z } from 'zod';

import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';

type Issue = z.core.$ZodIssue;

/** The name Aodh gives to the body of a request in its messages. */
export interface FaultContext {
  argument: string;
  /** What was parsed, to show the value at fault. */
  value: unknown;
  /** Put before the field's name: which member of a list it is. */
  prefix?: string;
}

/** @throws AppError with the text Aodh's framework would give for the first thing wrong. */
export function parseWith<T>(schema: z.ZodType<T>, context: FaultContext): T {
  const parsed = schema.safeParse(context.value);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', faultstring(parsed.error.issues, context));
}

/** The one translation of schema issues into Aodh's words. Unknown attributes come first, as there. */
export function faultstring(issues: readonly Issue[], context: FaultContext): string {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) return `Invalid input for field/attribute ${context.argument}.`;
  if (issue.code === 'unrecognized_keys') {
    const nested = [context.argument + (context.prefix ?? ''), ...names(issue)].join('.');
    return `Unknown attribute${issue.keys.length > 1 ? 's' : ''} for argument ${nested}: ${issue.keys.join(', ')}`;
  }
  if (isWhole(issue)) return issue.message;
  const { field, value } = at(issue, context);
  return `Invalid input for field/attribute ${field}. Value: '${shownText(value)}'. ${messageOf(issue, context)}`;
}

/** Issues whose message is the whole text, without the field's name before it. */
function isWhole(issue: Issue): boolean {
  return issue.code === 'custom' && issue.params?.['whole'] === true;
}

/** The last name on the way to the fault, and the value found there. */
function at(issue: Issue, { argument, value, prefix }: FaultContext): { field: string; value: unknown } {
  const last = issue.path.findLastIndex((part) => typeof part === 'string');
  const name = last < 0 ? argument : String(issue.path[last]);
  const field = prefix === undefined ? name : `${argument}${prefix}${last < 0 ? '' : `.${name}`}`;
  return { field, value: found(value, issue.path.slice(0, last + 1)) };
}

function found(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(memberOf, value);
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined;
}

function names(issue: Issue): string[] {
  return issue.path.filter((part) => typeof part === 'string');
}

function messageOf(issue: Issue, { value }: FaultContext): string {
  // Objects are all that is asked for by schemas that are not of `wire-types.ts`.
  return issue.code === 'invalid_type'
    ? `Wrong type. Expected an object, got ${kindOf(found(value, issue.path))}`
    : issue.message;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  return Array.isArray(value) ? 'a list' : typeof value;
}

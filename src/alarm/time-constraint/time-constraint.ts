import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';

import { CronSchedule, forLibrary } from './cron-schedule.js';
import { optional, wireInt, wireText } from '../wire/wire-types.js';

/** Longest opening, in seconds. */
export const MAX_DURATION_S = 366 * 24 * 3600;
const NICKNAMES = new Set(['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually']);

/** When an alarm may be evaluated: from each `start` (cron, 5 fields or 6 with seconds last) for `duration` seconds. */
export const TimeConstraint = z
  .strictObject({
    name: wireText({ max: 255 }).meta({ title: 'Name' }),
    description: optional(wireText({ max: 2048 }), '').meta({ title: 'Description' }),
    start: wireText({ max: 100 })
      .superRefine(refuseBadCron)
      .meta({ title: 'Start', description: 'A cron expression, such as 0 8 * * 1-5 (8 am from Monday to Friday).' }),
    duration: wireInt({ min: 0, max: MAX_DURATION_S }).meta({ title: 'Duration', 'x-unit': 's' }),
    timezone: optional(wireText({ max: 64 }), '')
      .superRefine(refuseBadTimezone)
      .meta({ title: 'Time zone', description: 'Such as Europe/Berlin. Empty: UTC.' }),
  })
  .transform((constraint) => ({
    ...constraint,
    description:
      constraint.description || `Time constraint at ${constraint.start} lasting for ${constraint.duration} seconds`,
  }));
export type TimeConstraint = z.infer<typeof TimeConstraint>;

/** A list of constraints with unique names. */
export const TimeConstraints = z.array(TimeConstraint).superRefine((constraints, context) => {
  if (new Set(constraints.map(({ name }) => name)).size === constraints.length) return;
  context.addIssue({
    code: 'custom',
    message: 'Time constraint names must be unique for a given alarm.',
    params: { whole: true },
  });
});

/** The names of the constraints that never open, since their cron expression has no day, such as 31 February. */
export function neverOpening(constraints: readonly TimeConstraint[]): string[] {
  return constraints.filter(({ start }) => neverOpens(start)).map(({ name }) => name);
}

/** The `state_reason` of an alarm whose constraints all never open; undefined for other alarms. */
export function neverOpensReason(constraints: readonly TimeConstraint[]): string | undefined {
  if (constraints.length === 0 || !constraints.every(({ start }) => neverOpens(start))) return undefined;
  return constraints.map(({ name }) => neverOpensSentence(name)).join('; ');
}

/** The text about one constraint that never opens. */
export function neverOpensSentence(name: string): string {
  return `time constraint ${name} never opens`;
}

/** True for a cron expression that has no day, such as 31 February. */
export function neverOpens(start: string): boolean {
  if (!mayNeverOpen(start)) return false;
  try {
    return new CronSchedule(start).neverOpens;
  } catch {
    return true; // refused at input; a constraint of another release that cannot be read never holds
  }
}

/** A quick check that is false for most expressions: only the 30th and the 31st can be missing in a month. */
function mayNeverOpen(start: string): boolean {
  const [, , dayOfMonth = '', month = '*'] = start.trim().split(/\s+/);
  return month !== '*' && /3[01]/.test(dayOfMonth);
}

/** Refinement of a schema: refuses a text that is no cron expression as Aodh reads it. */
export function refuseBadCron(start: string, context: z.RefinementCtx): void {
  const columns = start.trim().split(/\s+/).length;
  const problem =
    !start.startsWith('@') && columns !== 5 && columns !== 6
      ? 'Exactly 5 or 6 columns has to be specified for iterator expression.'
      : cronProblem(start);
  if (problem) context.addIssue({ code: 'custom', message: problem, input: start });
}

function cronProblem(start: string): string | undefined {
  const unacceptable = `[${start}] is not acceptable`;
  if (start.startsWith('@')) return NICKNAMES.has(start.toLowerCase()) ? undefined : unacceptable;
  // Except in names of days and months, only these characters mean the same to Aodh's cron and to cron-parser: not `?`,
  // `W` or `H`.
  if (/[^\d\s*,/#L-]/i.test(start.replace(/[a-z]{3}/gi, ''))) return unacceptable;
  try {
    CronExpressionParser.parse(forLibrary(start), { tz: 'UTC', currentDate: new Date(0) });
    return undefined;
  } catch (cause) {
    // Aodh accepts dates such as 31 February. Such a constraint never opens.
    if (/explicit day of month/i.test(String(cause))) return undefined;
    return /range|constraint/i.test(String(cause)) ? `${unacceptable}, out of range` : unacceptable;
  }
}

/** Refinement of a schema: refuses a text that is not empty and no name of a time zone. */
export function refuseBadTimezone(timezone: string, context: z.RefinementCtx): void {
  if (timezone === '' || isTimezone(timezone)) return;
  context.addIssue({
    code: 'custom',
    message: `Timezone ${timezone} is not valid`,
    params: { whole: true },
    input: timezone,
  });
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

import { z } from 'zod';

import { pythonText } from '../../alarm/wire-types.js';

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Years of fewer digits are read as others by the tools in between, and nothing was measured then. */
const FIRST_YEAR = 1000;

/** A moment as Aodh writes it: UTC without saying so, fractions only where there are any. */
export function isoTimestamp(date: Date): string {
  const text = date.toISOString();
  return text.endsWith('.000Z') ? text.slice(0, 19) : `${text.slice(0, -1)}000`;
}

/** ISO 8601 in its usual spellings; without an offset it is UTC. Undefined when it is no date, or one outside the years 1000 to 9999. */
export function parseTimestamp(text: string): Date | undefined {
  const match = ISO.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`;
  const date = new Date(local + offsetOf(zone));
  if (Number.isNaN(date.getTime()) || isNoDay(`${year}-${month}-${day}`)) return undefined;
  return date.getUTCFullYear() < FIRST_YEAR || date.getUTCFullYear() > 9999 ? undefined : date;
}

/** As `parseTimestamp`, with any offset taken off: Aodh's complex queries compare the digits as they stand. */
export function parseLocalTimestamp(text: string): Date | undefined {
  return parseTimestamp(text) && parseTimestamp(text.trim().replace(/(:[\d.,]+)\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$/i, '$1'));
}

/** The offset as JavaScript wants it: `Z` or `+hh:mm`. */
function offsetOf(zone: string): string {
  return zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
}

/** 31 February: JavaScript would go on to March. */
function isNoDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day;
}

/** A timestamp in a request; absent and null are undefined. */
export function wireTimestamp(): z.ZodType<Date | undefined> {
  return z
    .unknown()
    .transform((value, context): Date | undefined => {
      if (value === undefined || value === null) return undefined;
      const date = typeof value === 'string' ? parseTimestamp(value) : undefined;
      if (date) return date;
      context.addIssue({ code: 'custom', message: `Unknown string format: ${pythonText(value)}` });
      return z.NEVER;
    })
    .prefault(undefined);
}

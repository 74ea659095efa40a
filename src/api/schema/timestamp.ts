import { z } from 'zod';

import { microsecondsIn, parseTimestamp } from '../../alarm/wire/timestamp.js';
import { MANDATORY_MISSING, shownText } from '../../alarm/wire/wire-types.js';

export { parseTimestamp } from '../../alarm/wire/timestamp.js';

/** A time as Aodh writes it: in UTC without an offset, with microseconds unless they are zero. */
export function isoTimestamp(date: Date): string {
  const text = date.toISOString();
  return text.endsWith('.000Z') ? text.slice(0, 19) : `${text.slice(0, -1)}000`;
}

/** A time as the routes below /v1 write it: with `Z`, so that no client takes it for local time. */
export function utcTimestamp(date: Date): string {
  return `${isoTimestamp(date)}Z`;
}

/** As `utcTimestamp`, with the microseconds of the text from which the date was parsed: a `Date` has none. */
export function preciseUtcTimestamp(text: string, date: Date): string {
  const micros = String(microsecondsIn(text)).padStart(3, '0');
  return `${date.toISOString().slice(0, -1)}${micros}Z`.replace('.000000Z', 'Z');
}

/** As `parseTimestamp`, but ignores the offset, as Aodh's complex queries do. */
export function parseLocalTimestamp(text: string): Date | undefined {
  return (
    parseTimestamp(text) && parseTimestamp(text.trim().replace(/(:[\d.,]+)\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$/i, '$1'))
  );
}

/** Schema of a mandatory timestamp in a request. */
export function mandatoryTimestamp(): z.ZodType<Date> {
  return z
    .unknown()
    .transform((value, context): Date => {
      const date = typeof value === 'string' ? parseTimestamp(value) : undefined;
      if (date) return date;
      const isMissing = value === undefined || value === null;
      context.addIssue({
        code: 'custom',
        message: isMissing ? MANDATORY_MISSING : `Unknown string format: ${shownText(value)}`,
      });
      return z.NEVER;
    })
    .meta({ type: 'string', description: 'ISO 8601; UTC where it names no offset.' });
}

/** Schema of an optional timestamp in a request. Null counts as missing. */
export function wireTimestamp(): z.ZodType<Date | undefined> {
  return z
    .unknown()
    .transform((value, context): Date | undefined => {
      if (value === undefined || value === null) return undefined;
      const date = typeof value === 'string' ? parseTimestamp(value) : undefined;
      if (date) return date;
      context.addIssue({ code: 'custom', message: `Unknown string format: ${shownText(value)}` });
      return z.NEVER;
    })
    .optional()
    .meta({ type: ['string', 'null'], description: 'ISO 8601; UTC where it names no offset.' });
}

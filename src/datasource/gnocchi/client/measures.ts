import { sanitised, type AcceptedWindow, type OnDrop } from '../../../alarm/sanitise.js';
import type { Series } from '../../../alarm/series.js';
import { parseTimestamp } from '../../../alarm/wire/timestamp.js';

/** Most rows of the answer to one query. */
export const MAX_POINTS = 100_000;

/** The granularity of the rows to read, and the window in which points are accepted. */
export interface MeasureReadOptions {
  granularityS: number;
  believable: AcceptedWindow;
  onDrop?: OnDrop | undefined;
}

/**
 * The rows `[timestamp, granularity, value]` of a query's granularity as a series. Undefined if they are not a list. A
 * malformed row is dropped alone.
 */
export function seriesOf(rows: unknown, { granularityS, believable, onDrop }: MeasureReadOptions): Series | undefined {
  if (!Array.isArray(rows)) return undefined;
  const raw: { at: number; value: unknown }[] = [];
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row) || row[1] !== granularityS) continue;
    raw.push({ at: momentOf(row[0]), value: row[2] as unknown });
  }
  return sanitised(raw, believable, onDrop);
}

/** An own property of an object of parsed JSON; undefined for anything else. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

const WRITTEN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/;
/** Where the numbers of `2015-03-06T14:33:00+00:00` stand, and their ranges. */
const DAYS_AND_HOURS = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d/;

/** The timestamp in milliseconds since the epoch; NaN for anything that is not a timestamp. */
export function momentOf(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN;
  // Nearly all timestamps have this form, which `Date.parse` reads fast. Days from the 29th on may not exist.
  if (WRITTEN.test(text) && DAYS_AND_HOURS.test(text) && text.slice(8, 10) < '29') return Date.parse(text);
  return text.length > 64 ? Number.NaN : (parseTimestamp(text)?.getTime() ?? Number.NaN);
}

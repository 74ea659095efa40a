const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Other programs read years with fewer digits differently. */
const FIRST_YEAR = 1000;

/**
 * Parses the usual forms of ISO 8601; without an offset it is UTC. Undefined if the text is not a date, or not within
 * the years 1000 to 9999.
 */
export function parseTimestamp(text: string): Date | undefined {
  const match = ISO.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`;
  const date = new Date(local + offsetOf(zone));
  if (Number.isNaN(date.getTime()) || isNoDay(`${year}-${month}-${day}`)) return undefined;
  return date.getUTCFullYear() < FIRST_YEAR || date.getUTCFullYear() > 9999 ? undefined : date;
}

/** The offset in JavaScript's form: `Z` or `+hh:mm`. */
function offsetOf(zone: string): string {
  return zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
}

/** True for dates such as 31 February, which JavaScript would read as a day in March. */
function isNoDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day;
}

/** Microseconds since 1970. A Date has milliseconds only, and Aodh compares microseconds. */
export function parseMicroseconds(text: string): number | undefined {
  const date = parseTimestamp(text);
  return date && date.getTime() * 1000 + microsecondsIn(text);
}

/** The microseconds of a timestamp beyond its milliseconds: 0 to 999. */
export function microsecondsIn(text: string): number {
  const finer = /[.,]\d{3}(\d{1,3})/.exec(text)?.[1] ?? '';
  return Number(finer.padEnd(3, '0'));
}

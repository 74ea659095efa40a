import type { JSX } from 'preact';

import { now, useNow } from '../shell/clock.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const DAY_OF_YEAR = { month: 'short', day: 'numeric' } as const;
const MINUTE_OF_DAY = { hour: '2-digit', minute: '2-digit' } as const;
const FORMATS = {
  full: { dateStyle: 'medium', timeStyle: 'medium' },
  time: { timeStyle: 'medium' },
  minute: MINUTE_OF_DAY,
  day: DAY_OF_YEAR,
  short: { ...DAY_OF_YEAR, ...MINUTE_OF_DAY },
  /** `short` for a time in another year. */
  farAway: { ...DAY_OF_YEAR, year: 'numeric', ...MINUTE_OF_DAY },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;
const made = new Map<keyof typeof FORMATS, Intl.DateTimeFormat>();

/**
 * In the language and the zone of the user, with 24 hours in every language. No other module formats times. A format
 * is made when it is first used, since that takes milliseconds.
 */
function formatOf(name: keyof typeof FORMATS): Intl.DateTimeFormat {
  const format = made.get(name) ?? new Intl.DateTimeFormat(undefined, { ...FORMATS[name], hourCycle: 'h23' });
  made.set(name, format);
  return format;
}

/** The parts of a time that are shown: all, its day, its time of day with or without seconds, or day and minute. */
export type TimeForm = 'full' | 'day' | 'time' | 'minute' | 'short';

/** A time for a place where no element can be, such as a canvas. Everywhere else use `Time`. */
export function timeText(time: Date, form: TimeForm): string {
  const isFarAway = form === 'short' && time.getFullYear() !== now().getFullYear();
  return formatOf(isFarAway ? 'farAway' : form).format(time);
}

/** A time of the API. Routes below /v2 write UTC without a zone, as Aodh does. */
export function timeOf(text: string): Date {
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

/** `2026-11-29 06:44:00 UTC`. */
export function utcText(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A time in the text of an input for local times: `2026-11-29T07:44:00`. */
export function localText(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * MINUTE_MS);
  return local.toISOString().slice(0, 19);
}

/** The time of an input for local times, in UTC; undefined if the input is empty. */
export function utcOf(local: string): string | undefined {
  return local === '' ? undefined : `${new Date(local).toISOString().slice(0, 19)}Z`;
}

/** A time in the user's zone; UTC when the pointer is on it. */
export function Time({ at, form = 'full' }: { at: string; form?: TimeForm }): JSX.Element {
  const time = timeOf(at);
  return (
    <time dateTime={time.toISOString()} title={utcText(time)}>
      {timeText(time, form)}
    </time>
  );
}

/** How long ago a time was: `5 min`. The whole time when the pointer is on it. */
export function Age({ at }: { at: string }): JSX.Element {
  const time = timeOf(at);
  const present = useNow(MINUTE_MS / 2);
  return (
    <time dateTime={time.toISOString()} title={`${timeText(time, 'full')} (${utcText(time)})`}>
      {durationText(Math.max(0, present.getTime() - time.getTime()))}
    </time>
  );
}

/** `45 s`, `5 min`, `3 h 20 min`, `12 d`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  if (ms < DAY_MS)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

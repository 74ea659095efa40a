import type { JSX } from 'preact';

import { useNow } from '../shell/clock.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const SHORT = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

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

/** A time in the reader's zone; UTC when the pointer is on it. */
export function Time({ at, form = 'full' }: { at: string; form?: 'full' | 'time' | 'short' }): JSX.Element {
  const time = timeOf(at);
  const shown = { full: DATE_TIME, time: TIME, short: SHORT }[form].format(time);
  return (
    <time dateTime={time.toISOString()} title={utcText(time)}>
      {shown}
    </time>
  );
}

/** How long ago a time was: `5 min`. The whole time when the pointer is on it. */
export function Age({ at }: { at: string }): JSX.Element {
  const time = timeOf(at);
  const now = useNow(MINUTE_MS / 2);
  return (
    <time dateTime={time.toISOString()} title={`${DATE_TIME.format(time)} (${utcText(time)})`}>
      {durationText(Math.max(0, now.getTime() - time.getTime()))}
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

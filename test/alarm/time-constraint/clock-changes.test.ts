import { expect, test } from '@jest/globals';

import { createOpenTimesSource } from '../../../src/alarm/time-constraint/open-times.js';
import { clockChanges, cronOpenings, type ClockChange, type OpeningsCase } from '../../support/croniter.js';
import { describeWith } from '../../support/servers.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const EARLY_MS = 60_000;

interface ZoneChange {
  zone: string;
  /** One of the few changes of each zone, and not one of the many of all zones. */
  isOfZone: boolean;
  change: ClockChange;
}

interface Compared {
  zone: string;
  start: string;
  duration: number;
  /** In seconds: the moment, and the reach around it. */
  around: number;
  reach: number;
  oracle: OpeningsCase;
}

/** The offset of a zone in Node.js, computed differently than in the tested code. */
function nodeOffset(zone: string, formatters: Map<string, Intl.DateTimeFormat>): (seconds: number) => number {
  const formatter =
    formatters.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  formatters.set(zone, formatter);
  return (seconds) => Date.parse(`${formatter.format(seconds * 1000).replace(' ', 'T')}Z`) / 1000 - seconds;
}

/** True if Node.js and Python know the same change, and no other one within three days of it. */
function isAgreedOn(
  { zone, change: [moment, before, after] }: ZoneChange,
  formatters: Map<string, Intl.DateTimeFormat>,
): boolean {
  try {
    const offsetAt = nodeOffset(zone, formatters);
    return (
      [moment - 3 * DAY, moment - 1].every((at) => offsetAt(at) === before) &&
      [moment, moment + 3 * DAY].every((at) => offsetAt(at) === after)
    );
  } catch {
    return false; // a name that Node does not know
  }
}

/** Each change since 1970 once; and of every zone, since 1900, the last and the greatest change in both directions. */
function chosen(changes: Readonly<Record<string, readonly ClockChange[]>>): ZoneChange[] {
  const all = new Map<string, ZoneChange>();
  const seen = new Set<string>();
  for (const [zone, ofZone] of Object.entries(changes)) {
    const take = (change: ClockChange | undefined, isOfZone: boolean): void => {
      if (change) all.set(`${zone} ${change[0]}`, { zone, isOfZone, change });
    };
    for (const change of ofZone) {
      if (change[0] >= 0 && !seen.has(change.join())) take(change, false);
      seen.add(change.join());
    }
    for (const direction of [1, -1]) {
      const sizes = ofZone.map(([, before, after]) => direction * (after - before));
      if (!sizes.some((size) => size > 0)) continue;
      take(ofZone[sizes.indexOf(Math.max(...sizes))], true);
      take(ofZone[sizes.findLastIndex((size) => size > 0)], true);
    }
  }
  return [...all.values()];
}

/**
 * Schedules that open just before, within, at the end of and just after the local times that are skipped or repeated.
 */
function casesOf({ zone, isOfZone, change: [moment, before, after] }: ZoneChange, index: number): Compared[] {
  const [low, high] = [moment + Math.min(before, after), moment + Math.max(before, after)];
  const middle = new Date(Math.floor((low + high) / 2) * 1000);
  const minutes = [low - 60, low, (low + high) / 2, high - 60, high].map(
    (local) => new Date(Math.floor(local / 60) * 60_000),
  );
  const at = (local: Date): string => `${local.getUTCMinutes()} ${local.getUTCHours()}`;
  const durations = [0, 300, HOUR, 8 * HOUR] as const;
  const compared = (start: string, duration: number, reach: number): Compared => {
    const first = naive(low - reach - duration - HOUR);
    return { zone, start, duration, around: moment, reach, oracle: [zone, start, first, naive(high + reach + HOUR)] };
  };
  const cases = minutes.map((local, offset) =>
    compared(`${at(local)} * * *`, durations[(index + offset) % 4] ?? 0, 12 * HOUR),
  );
  const others = [
    compared('*/20 * * * *', 300, HOUR),
    compared('0 0 * * *', 8 * HOUR, 12 * HOUR),
    compared(`${at(middle)} ${middle.getUTCDate()} * ${middle.getUTCDay()}`, 300, 12 * HOUR),
    compared(`${at(middle)} * * * 30`, 45, 3 * HOUR),
  ];
  return isOfZone ? [...cases, ...others] : [...cases.slice(1, 4), ...others.slice(0, 1)];
}

function naive(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/** Both sides of each border of a window, in milliseconds, and moments around the change. */
function probesOf({ around, reach, duration }: Compared, openings: readonly number[]): number[] {
  const borders = openings.flatMap((opening) => {
    const [at, end] = [opening * 1000, (opening + duration) * 1000];
    return [at - EARLY_MS, at - EARLY_MS + 1, at, at + 1, end, end + 1];
  });
  const others = [-reach, -HOUR, -1, 0, 1, HOUR, reach].map((offset) => (around + offset) * 1000);
  return [...borders, ...others].filter((at) => Math.abs(at - around * 1000) <= reach * 1000);
}

describeWith(['croniter'], 'time constraints around changes of the clock', () => {
  test(
    'time constraints open and close by the rules, in each zone of ' +
      'the tz database, for both kinds of clock change',
    () => {
      const formatters = new Map<string, Intl.DateTimeFormat>();
      const changes = chosen(clockChanges(Date.UTC(1900) / 1000, Date.UTC(2038) / 1000));
      const agreed = changes.filter((change) => isAgreedOn(change, formatters));
      const cases = agreed.flatMap(casesOf);
      const openings = cronOpenings(cases.map(({ oracle }) => oracle));
      const source = createOpenTimesSource();
      const wrong: string[] = [];
      let probes = 0;
      for (const [index, one] of cases.entries()) {
        const { zone, start, duration } = one;
        const found = openings[index] ?? [];
        const openTimes = source.of([{ start, duration, timezone: zone }]);
        for (const at of probesOf(one, found)) {
          const isOpen = found.some((opening) => at > opening * 1000 - EARLY_MS && at <= (opening + duration) * 1000);
          probes += 1;
          if (openTimes.isOpen(new Date(at)) !== isOpen)
            wrong.push(`${zone} ${start} for ${duration} s at ${new Date(at).toISOString()}: ${isOpen}`);
        }
      }
      const zones = new Set(agreed.map(({ zone }) => zone)).size;
      process.stderr.write(
        `changes of the clock: ${agreed.length} compared, of ${zones} zones, ` +
          `${changes.length - agreed.length} left out ` +
          `where Node.js and Python disagree; ${cases.length} schedules, ${probes} moments\n`,
      );
      expect(wrong.slice(0, 20)).toEqual([]);
      expect(agreed.length).toBeGreaterThan(changes.length / 2);
      expect(zones).toBeGreaterThan(400);
    },
  );
});

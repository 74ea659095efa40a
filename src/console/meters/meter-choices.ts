import { OWN_SPAN, type ChosenSpan } from '../elements/span-fields.js';
import { SPAN_SECONDS } from '../elements/spans.js';
import { timeOf } from '../elements/time.js';
import type { PageAddress } from '../shell/address.js';
import { partsOf } from './meter-list.js';

/** Statistics that the service computes, and their names. */
export const STATISTICS = {
  avg: 'average',
  min: 'minimum',
  max: 'maximum',
  sum: 'sum',
  count: 'number of samples',
  stddev: 'standard deviation',
} as const;
export type ShownStatistic = keyof typeof STATISTICS;
export const DEFAULT_STATISTIC: ShownStatistic = 'avg';

/** Fields whose values make a series each. */
export const GROUPS = {
  resource_id: 'resource',
  user_id: 'user',
  project_id: 'project',
  source: 'source',
} as const;
export type SeriesGroup = keyof typeof GROUPS;

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
export const DEFAULT_SPAN = '6h';

/** The choices for the chart of a meter. */
export interface MeterChoices extends ChosenSpan {
  statistic: ShownStatistic;
  /** Undefined for one series of all samples. */
  group: SeriesGroup | undefined;
  /** Seconds; undefined for the automatic one. */
  period: number | undefined;
}

/** The choices in an address; defaults for values that do not exist. */
export function choicesIn(address: PageAddress): MeterChoices {
  const { statistic, group, period, span = DEFAULT_SPAN, since, until } = partsOf(address, PARTS);
  return {
    since: isTime(since) ? since : undefined,
    until: isTime(until) ? until : undefined,
    span: Object.hasOwn(SPAN_SECONDS, span) || span === OWN_SPAN ? span : DEFAULT_SPAN,
    statistic: isNameIn(STATISTICS, statistic) ? statistic : DEFAULT_STATISTIC,
    group: isNameIn(GROUPS, group) ? group : undefined,
    period: period !== undefined && PERIODS_S.includes(Number(period)) ? Number(period) : undefined,
  };
}

const PARTS = ['statistic', 'group', 'period', 'span', 'since', 'until'] as const;

function isTime(text: string | undefined): boolean {
  return text !== undefined && !Number.isNaN(timeOf(text).getTime());
}

function isNameIn<Names extends object>(names: Names, text: string | undefined): text is keyof Names & string {
  return text !== undefined && Object.hasOwn(names, text);
}

/** The chosen time range in seconds since 1970. `stop` is not included. */
export interface TimeRange {
  start: number;
  stop: number;
}

/** The range up to now, or the chosen one: without a start 24 hours, without an end up to now. */
export function rangeOf({ span, since, until }: ChosenSpan, now: Date): TimeRange {
  const seconds = now.getTime() / 1000;
  if (span !== OWN_SPAN) return { start: seconds - (SPAN_SECONDS[span ?? ''] ?? DAY_S), stop: seconds };
  const stop = until === undefined ? seconds : timeOf(until).getTime() / 1000;
  return { start: since === undefined ? stop - DAY_S : timeOf(since).getTime() / 1000, stop };
}

const PERIODS_S = [10, 60, 300, 600, 900, 1_800, HOUR_S, 7_200, 21_600, 43_200, DAY_S, 7 * DAY_S];
/** Most periods that a user can choose, and that are chosen for them. */
const MOST_PERIODS = 500;
const USUAL_PERIODS = 120;
/** Most results that are planned for a request; the service refuses more than `MOST_ANSWERED`. */
const MOST_RESULTS = 15_000;
const MOST_ANSWERED = 20_000;
/** The longest period that the service accepts. */
const LONGEST_S = 366 * DAY_S;

/** Periods that can be chosen for a range, in seconds. */
export function periodsFor({ start, stop }: TimeRange): number[] {
  const seconds = stop - start;
  return PERIODS_S.filter((period) => period <= seconds && seconds / period <= MOST_PERIODS);
}

/** The chosen period if it suits the range, otherwise one that gives a readable chart. `groups`: series expected. */
export function periodFor(range: TimeRange, chosen: number | undefined, groups: number): number {
  if (chosen !== undefined && periodsFor(range).includes(chosen)) return chosen;
  const shortest = (range.stop - range.start) / Math.min(USUAL_PERIODS, Math.max(1, MOST_RESULTS / groups));
  return PERIODS_S.find((period) => period >= shortest) ?? Math.min(LONGEST_S, Math.ceil(shortest / DAY_S) * DAY_S);
}

/** True if the service refuses so many results: a group has one for each period in which it has samples. */
export function isTooMany({ start, stop }: TimeRange, period: number, groups: number): boolean {
  return ((stop - start) / period) * groups > MOST_ANSWERED;
}

/** `5 min`, `2 h`, `1 d`. */
export function periodText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < HOUR_S) return `${seconds / 60} min`;
  return seconds < DAY_S ? `${seconds / HOUR_S} h` : `${seconds / DAY_S} d`;
}

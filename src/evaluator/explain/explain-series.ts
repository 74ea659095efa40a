import type { Verdict } from '../../alarm/decide.js';
import type { BackendAnswer, SeriesLabels } from '../../alarm/series.js';
import type { Datapoint, ExplainedSeries, JudgedSeriesCount } from './explanation.js';
import { seriesName } from './series-name.js';

/** Limits of what is shown: PromQL can give thousands of series. */
const MOST_SERIES = 100;
const MOST_DATAPOINTS = 1_000;
/** Total length of the names and values of one series' labels. */
const MOST_LABEL_CHARACTERS = 2_000;
/** How many series in alarm are named in the summary. */
const MOST_NAMES = 3;

/**
 * The series of an answer, followed by series of which every point was dropped. The index is the number of a series.
 */
export interface NumberedSeries {
  labels: readonly SeriesLabels[];
  /** The number of a series by its labels object, as the backend's trace reported it. */
  numberOf(labels: SeriesLabels | undefined): number | undefined;
}

const NO_LABELS: SeriesLabels = {};

/** Numbers the series of an answer. Series that are missing from it, because no point was accepted, come after them. */
export function numberedSeries(
  answer: BackendAnswer | undefined,
  labelsOfAnswer: readonly SeriesLabels[],
  dropped: readonly { labels?: SeriesLabels }[],
): NumberedSeries {
  if (answer?.kind !== 'series') return { labels: [], numberOf: () => undefined };
  const labels = answer.series.map((_, index) => labelsOfAnswer[index] ?? NO_LABELS);
  const numbers = new Map(labelsOfAnswer.map((one, index) => [one, index]));
  for (const { labels: one } of dropped) {
    if (one === undefined || numbers.has(one)) continue;
    numbers.set(one, labels.length);
    labels.push(one);
  }
  return { labels, numberOf: (one) => one && numbers.get(one) };
}

/** The series of an answer that are shown. */
export interface ShownSeries {
  series: ExplainedSeries[];
  judged: JudgedSeriesCount;
  /** Numbers of the shown series: those in alarm first, then those with points outside the threshold. */
  byInterest: readonly number[];
}

/**
 * Chooses and counts the series to show. `datapoints` are all datapoints, with the numbers of their series, oldest
 * first.
 */
export function shownSeries(
  labels: readonly SeriesLabels[],
  verdicts: ReadonlyMap<number, Verdict>,
  datapoints: readonly Datapoint[],
): ShownSeries {
  const all = labels.map((_, series): Counted => ({
    series,
    verdict: verdicts.get(series) ?? null,
    compared: 0,
    outside: 0,
  }));
  for (const { series, used, outside, value } of datapoints) {
    const one = series === undefined ? undefined : all[series];
    if (one === undefined || !used) continue;
    one.compared += 1;
    if (outside === true) one.outside += 1;
    if (typeof value === 'number') one.mostRecent = value;
  }
  const ranked = [...all].sort((a, b) => interestOf(b) - interestOf(a));
  const inAlarm = ranked.filter(({ verdict }) => verdict === 'alarm');
  const nameOf = seriesName(labels);
  const last = all.findLast(({ verdict }) => verdict !== null && hasEnough(verdict));
  return {
    series: ranked
      .slice(0, MOST_SERIES)
      .sort((a, b) => a.series - b.series)
      .map(({ mostRecent: _, ...one }) => ({ ...one, ...shownLabels(labels[one.series]!) })),
    judged: {
      count: verdicts.size,
      inAlarm: inAlarm.length,
      first: inAlarm
        .slice(0, MOST_NAMES)
        .map(({ series, mostRecent = null }) => ({ name: nameOf(labels[series]!), mostRecent })),
      last: last ? nameOf(labels[last.series]!) : null,
    },
    byInterest: ranked.slice(0, MOST_SERIES).map(({ series }) => series),
  };
}

/**
 * Chooses the datapoints to show and keeps their order: datapoints of series that come first in `byInterest`, of each
 * the compared ones first, then the newest. Without `byInterest`, all datapoints count as one series.
 */
export function shownDatapoints(
  datapoints: readonly Datapoint[],
  byInterest: readonly number[] | undefined,
): Datapoint[] {
  const ranks = new Map(byInterest?.map((series, rank) => [series, rank]));
  const candidates = [...datapoints.entries()].flatMap(([index, point]) => {
    const rank = byInterest === undefined || point.series === undefined ? ranks.size : ranks.get(point.series);
    return rank === undefined ? [] : [{ point, index, rank }];
  });
  return candidates
    .sort((a, b) => a.rank - b.rank || Number(b.point.used) - Number(a.point.used) || b.index - a.index)
    .slice(0, MOST_DATAPOINTS)
    .sort((a, b) => a.index - b.index)
    .map(({ point }) => point);
}

interface Counted extends Omit<ExplainedSeries, 'labels' | 'labelsNotShown'> {
  mostRecent?: number;
}

function hasEnough(verdict: Verdict): boolean {
  return verdict !== 'insufficient data' && verdict !== 'hold';
}

function interestOf({ verdict, outside }: Counted): number {
  if (verdict === null) return 0;
  if (verdict === 'alarm') return 3;
  return outside > 0 ? 2 : 1;
}

function shownLabels(labels: SeriesLabels): Pick<ExplainedSeries, 'labels' | 'labelsNotShown'> {
  let left = MOST_LABEL_CHARACTERS;
  const all = Object.entries(labels);
  const shown = all.filter(([name, value]) => {
    const characters = name.length + value.length;
    if (characters > left) return false;
    left -= characters;
    return true;
  });
  return { labels: Object.fromEntries(shown), labelsNotShown: all.length - shown.length };
}

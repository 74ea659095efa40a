import type { MissingDataTreatment } from '../../../src/alarm/evaluation-options.js';
import type { ThresholdCondition } from '../../../src/alarm/types/threshold-judgement.js';
import type { Verdict } from '../../../src/alarm/decide.js';

/*
 * What the rules say, written down a second time, as plainly as can be: nothing here is shared with what is tested.
 */

/** The expected result of an alarm. */
export interface Expected {
  verdict: Verdict;
  /** The datapoints that are compared. */
  values: number[];
}

/** The datapoint of a place; undefined if it is missing. */
export type Place = number | undefined;

/** An answer in terms of the rules: the datapoints of each of its series, or the reason why there are none. */
export type Understood = { series: Place[][] } | 'outage' | 'unknown';

export interface OracleRule extends ThresholdCondition {
  required: number;
  treatment?: MissingDataTreatment;
  /** From datapoints to the state of the alarm. */
  enough?: number | undefined;
}

export interface Measured {
  at: number | undefined;
  value: unknown;
}

export interface Window {
  from: number;
  to: number;
}

/** Datapoints in the window, by time; of those with the same time the last. Infinite ones are numbers, NaN is not. */
export function believed(points: readonly Measured[], { from, to }: Window): Map<number, Place> {
  const byTime = new Map<number, Place>();
  for (const { at, value } of points) {
    if (at === undefined || !Number.isFinite(at) || at < from || at > to) continue;
    byTime.set(at, typeof value === 'number' && !Number.isNaN(value) ? value : undefined);
  }
  return new Map([...byTime].sort(([a], [b]) => a - b));
}

export function expectedOf(rule: OracleRule, understood: Understood): Expected {
  if (understood === 'outage') return { verdict: 'outage', values: [] };
  // Backends that refuse give no datapoints that could be filled.
  if (understood === 'unknown') return { verdict: 'insufficient data', values: [] };
  const present = understood.series.filter((places) => places.length > 0);
  const judged = (present.length > 0 ? present : [[]]).map((places) => judgeOne(rule, places));
  const decided = judged.filter(({ verdict }) => verdict !== 'insufficient data' && verdict !== 'hold');
  const counted = decided.length > 0 ? decided : judged;
  const values = counted.flatMap((one) => one.values);
  if (counted.every(({ verdict }) => verdict === counted[0]!.verdict)) return { verdict: counted[0]!.verdict, values };
  const last = counted.at(-1)!.verdict;
  return { verdict: last === 'alarm' || last === 'trending alarm' ? 'trending alarm' : 'trending ok', values };
}

/** The newest places count. A datapoint without a number is missing at its place; absent ones are the oldest. */
export function judgeOne(
  { required, treatment = 'missing', enough, ...condition }: OracleRule,
  all: readonly Place[],
): Expected {
  const places = [...Array<undefined>(required).fill(undefined), ...all].slice(-required);
  const values = places.filter((place) => place !== undefined);
  const possible = (as: boolean): boolean[] =>
    places.map((place) => (place === undefined ? as : isOutside(condition, place)));
  const verdicts = (treatment === 'ok' || treatment === 'alarm' ? [treatment === 'alarm'] : [false, true]).map((as) =>
    verdictOf(possible(as), enough),
  );
  // Without M of N every datapoint must exist.
  const isOpen = enough === undefined ? verdicts.length > 1 && values.length < required : new Set(verdicts).size > 1;
  if (isOpen) return { verdict: treatment === 'ignore' ? 'hold' : 'insufficient data', values };
  return { verdict: verdicts[0]!, values };
}

function verdictOf(votes: readonly boolean[], enough: number | undefined): Verdict {
  if (enough !== undefined) return votes.filter(Boolean).length >= enough ? 'alarm' : 'ok';
  if (votes.every(Boolean)) return 'alarm';
  if (!votes.some(Boolean)) return 'ok';
  return votes.at(-1) ? 'trending alarm' : 'trending ok';
}

function isOutside({ comparison_operator, threshold }: ThresholdCondition, value: number): boolean {
  const difference = value < threshold ? 'l' : value > threshold ? 'g' : 'e';
  return { gt: 'g', lt: 'l', ge: 'ge', le: 'le', eq: 'e', ne: 'lg' }[comparison_operator].includes(difference);
}

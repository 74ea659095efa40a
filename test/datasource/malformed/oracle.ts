import type { MissingDataTreatment } from '../../../src/alarm/evaluation-options.js';
import type { ThresholdCondition } from '../../../src/alarm/types/threshold-judgement.js';
import type { Verdict } from '../../../src/alarm/decide.js';

/*
 * What the rules say, written down a second time, as plainly as can be: nothing here is shared with what is tested.
 */

/** What an alarm is to find. */
export interface Expected {
  verdict: Verdict;
  /** Those that are compared. */
  values: number[];
}

/** An answer, as the rules take it: the values of each series that is one; or why there are none. */
export type Understood = { series: number[][] } | 'trouble' | 'unknown';

export interface OracleRule extends ThresholdCondition {
  required: number;
  treatment?: MissingDataTreatment;
}

export interface Measured {
  at: number | undefined;
  value: unknown;
}

export interface Window {
  from: number;
  to: number;
}

/** Numbers in the window, by time; of the same time the last. */
export function believed(points: readonly Measured[], { from, to }: Window): Map<number, number> {
  const byTime = new Map<number, number>();
  for (const { at, value } of points) {
    if (at === undefined || !Number.isFinite(at) || at < from || at > to) continue;
    if (typeof value === 'number' && Number.isFinite(value)) byTime.set(at, value);
  }
  return new Map([...byTime].sort(([a], [b]) => a - b));
}

export function expectedOf(rule: OracleRule, understood: Understood): Expected {
  if (understood === 'trouble') return { verdict: 'trouble', values: [] };
  // Backends that refuse give no datapoints that could be filled.
  if (understood === 'unknown') return { verdict: 'insufficient data', values: [] };
  const present = understood.series.filter((values) => values.length > 0);
  const judged = (present.length > 0 ? present : [[]]).map((values) => judgeOne(rule, values));
  const decided = judged.filter(({ verdict }) => verdict !== 'insufficient data' && verdict !== 'hold');
  const counted = decided.length > 0 ? decided : judged;
  const values = counted.flatMap((one) => one.values);
  if (counted.every(({ verdict }) => verdict === counted[0]!.verdict)) return { verdict: counted[0]!.verdict, values };
  const last = counted.at(-1)!.verdict;
  return { verdict: last === 'alarm' || last === 'trending alarm' ? 'trending alarm' : 'trending ok', values };
}

function judgeOne({ required, treatment = 'missing', ...condition }: OracleRule, all: readonly number[]): Expected {
  const values = all.slice(-required);
  const missing = required - values.length;
  if (missing > 0 && treatment === 'missing') return { verdict: 'insufficient data', values };
  if (missing > 0 && treatment === 'ignore') return { verdict: 'hold', values };
  const outside = values.map((value) => isOutside(condition, value));
  const votes = [...Array<boolean>(missing).fill(treatment === 'alarm'), ...outside];
  if (votes.every(Boolean)) return { verdict: 'alarm', values };
  if (!votes.some(Boolean)) return { verdict: 'ok', values };
  return { verdict: outside.at(-1) ? 'trending alarm' : 'trending ok', values };
}

function isOutside({ comparison_operator, threshold }: ThresholdCondition, value: number): boolean {
  const difference = value < threshold ? 'l' : value > threshold ? 'g' : 'e';
  return { gt: 'g', lt: 'l', ge: 'ge', le: 'le', eq: 'e', ne: 'lg' }[comparison_operator].includes(difference);
}

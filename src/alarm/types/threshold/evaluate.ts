import type { AlarmState } from '../../alarm.js';
import type { Evaluation, Reason } from '../../decide.js';
import { PythonFloat, pythonFloat } from '../../python-json.js';
import type { Point, Series } from '../../series.js';
import type { ComparisonOperator, ThresholdRule } from './schema.js';

export interface ThresholdFindings {
  /** The values that were compared, oldest first. */
  values: readonly number[];
  /** How many of them fulfil the rule's condition. */
  outside: number;
  /** How many values the rule needs. */
  required: number;
}

const compare = {
  gt: (value, threshold) => value > threshold,
  lt: (value, threshold) => value < threshold,
  ge: (value, threshold) => value >= threshold,
  le: (value, threshold) => value <= threshold,
  eq: (value, threshold) => value === threshold,
  ne: (value, threshold) => value !== threshold,
} as const satisfies Record<ComparisonOperator, (value: number, threshold: number) => boolean>;

/** Aodh's three-way verdict: all outside is `alarm`, none is `ok`, a mixture is a trend that the last value gives. */
export function evaluateThreshold(rule: ThresholdRule, series: Series): Evaluation<ThresholdFindings> {
  const required = rule.evaluation_periods;
  const values = comparedValues(rule, series);
  const isOutside = compare[rule.comparison_operator];
  let outside = 0;
  for (const value of values) if (isOutside(value, rule.threshold)) outside += 1;
  const findings = { values, outside, required };
  if (values.length < required) return { verdict: 'insufficient data', findings };
  if (outside === required) return { verdict: 'alarm', findings };
  if (outside === 0) return { verdict: 'ok', findings };
  const last = values[required - 1] as number;
  return { verdict: isOutside(last, rule.threshold) ? 'trending alarm' : 'trending ok', findings };
}

/** Reason texts and `reason_data` of Aodh's threshold evaluators. */
export function explainThreshold(findings: ThresholdFindings, state: AlarmState, remaining: boolean): Reason {
  const { values, outside, required } = findings;
  const last = values.at(-1);
  const mostRecent = last === undefined ? null : new PythonFloat(last);
  if (state === 'insufficient data' && !remaining) {
    const reasonData = { type: 'threshold', disposition: 'unknown', count: required, most_recent: mostRecent };
    return { reason: `${required} datapoints are unknown`, reasonData };
  }
  const disposition = state === 'ok' ? 'inside' : 'outside';
  const count = state === 'ok' ? values.length - outside : state === 'alarm' ? outside : 0;
  const verb = remaining ? 'Remaining as' : 'Transition to';
  const printed = last === undefined ? 'None' : pythonFloat(last);
  return {
    reason: `${verb} ${state} due to ${count} samples ${disposition} threshold, most recent: ${printed}`,
    reasonData: { type: 'threshold', disposition, count, most_recent: mostRecent },
  };
}

function comparedValues(rule: ThresholdRule, series: Series): number[] {
  const points = rule.exclude_outliers ? withoutOutliers(series) : series;
  const values: number[] = [];
  for (const point of points) {
    const value = point.values[rule.statistic];
    if (value !== undefined && Number.isFinite(value)) values.push(value);
  }
  return values.length > rule.evaluation_periods ? values.slice(-rule.evaluation_periods) : values;
}

/** Drops periods whose number of samples lies outside mean ± 2 population standard deviations of those numbers. */
function withoutOutliers(series: Series): readonly Point[] {
  const counts = series.map(({ values }) => values['count'] ?? 0);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const deviation = Math.sqrt(counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length);
  return series.filter((_, index) => Math.abs((counts[index] as number) - mean) <= 2 * deviation);
}

import type { Point, Series } from '../../series.js';
import type { EvaluationInput } from '../alarm-type.js';
import type { Evaluation } from '../../decide.js';
import { judgeThreshold, type ThresholdFindings } from '../threshold-judgement.js';
import type { ThresholdRule } from './schema.js';

/** Aodh's three-way verdict: all outside is `alarm`, none is `ok`, a mixture is a trend that the last value gives. */
export function evaluateThreshold(
  rule: ThresholdRule,
  { answers, state, options }: EvaluationInput,
): Evaluation<ThresholdFindings> {
  const reading = { required: rule.evaluation_periods, valuesOf: (series: Series) => comparedValues(rule, series) };
  return judgeThreshold(rule, answers[0]!, reading, { state, options });
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

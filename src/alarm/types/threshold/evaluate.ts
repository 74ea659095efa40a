import type { Point, Series } from '../../series.js';
import type { EvaluationInput } from '../alarm-type.js';
import type { Evaluation } from '../../decide.js';
import { judgeThreshold, type DatapointSelection, type ThresholdFindings } from '../threshold-judgement.js';
import type { ThresholdRule } from './schema.js';

/**
 * Aodh's verdict: `alarm` if all values are outside, `ok` if none is, otherwise a trend that follows the last value.
 */
export function evaluateThreshold(rule: ThresholdRule, input: EvaluationInput): Evaluation<ThresholdFindings> {
  return judgeThreshold(rule, input.answers[0]!, selectionOf(rule), input);
}

function selectionOf({ evaluation_periods: required, statistic, exclude_outliers }: ThresholdRule): DatapointSelection {
  return exclude_outliers ? { required, statistic, only: WITHOUT_OUTLIERS } : { required, statistic };
}

const WITHOUT_OUTLIERS = { points: withoutOutliers, otherwise: 'an outlier by its number of samples' };

/** Drops periods whose number of samples lies outside mean ± 2 population standard deviations of those numbers. */
function withoutOutliers(series: Series): readonly Point[] {
  const counts = series.map(({ values }) => values['count'] ?? 0);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const deviation = Math.sqrt(counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length);
  return series.filter((_, index) => Math.abs((counts[index] as number) - mean) <= 2 * deviation);
}

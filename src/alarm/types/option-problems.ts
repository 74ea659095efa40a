import type { EvaluationOptions, OptionProblem } from '../evaluation-options.js';
import type { ThresholdCondition } from './threshold-judgement.js';

/** The first option that does not fit a rule over the last `periods` datapoints. */
export function thresholdOptionProblem(
  { comparison_operator, threshold }: ThresholdCondition,
  periods: number,
  { datapoints_to_alarm: enough, clear_threshold: clear }: EvaluationOptions,
): OptionProblem | undefined {
  if (enough !== undefined && enough > periods) {
    return {
      option: 'datapoints_to_alarm',
      message: `must not be greater than evaluation_periods, which is ${periods}`,
    };
  }
  if (clear === undefined) return undefined;
  const rises = comparison_operator === 'gt' || comparison_operator === 'ge';
  if (!rises && comparison_operator !== 'lt' && comparison_operator !== 'le') {
    return { option: 'clear_threshold', message: `makes no sense with comparison_operator ${comparison_operator}` };
  }
  if (rises ? clear <= threshold : clear >= threshold) return undefined;
  return {
    option: 'clear_threshold',
    message: `must not be ${rises ? 'greater' : 'less'} than the threshold, which is ${threshold}`,
  };
}

/** Refuses every option, for kinds that compare no values. */
export function noOptionAllowed(options: EvaluationOptions, kind: string): OptionProblem | undefined {
  const [option] = Object.keys(options) as (keyof EvaluationOptions)[];
  return option === undefined ? undefined : { option, message: `cannot be used with alarms of type ${kind}` };
}

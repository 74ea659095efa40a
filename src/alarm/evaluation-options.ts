/** What a missing datapoint counts as. `missing`: nothing, as in Aodh; `ignore`: the alarm keeps its state. */
export const MISSING_DATA_TREATMENTS = ['missing', 'ok', 'alarm', 'ignore'] as const;
export type MissingDataTreatment = (typeof MISSING_DATA_TREATMENTS)[number];

/**
 * What Aodh has no words for: set in an alarm's `tocsin` object, under these names. What is absent is as in Aodh.
 */
export interface EvaluationOptions {
  /** In alarm as soon as so many of the last `evaluation_periods` datapoints are outside, and ok otherwise; then there are no trends. */
  readonly datapoints_to_alarm?: number;
  readonly treat_missing_data?: MissingDataTreatment;
  /** While in alarm, values are compared with this instead of the threshold, so that it takes more to leave than to enter. */
  readonly clear_threshold?: number;
  /** Seconds by which the window ends before the moment of evaluation, for measurements that arrive late. */
  readonly ingestion_lag?: number;
  /** Name of a configured backend, for services that have several of one kind. */
  readonly backend?: string;
}

export type EvaluationOption = keyof EvaluationOptions;

/** As in Aodh. */
export const NO_OPTIONS: EvaluationOptions = {};

/** Why an option cannot be used with a rule. */
export interface OptionProblem {
  option: EvaluationOption;
  message: string;
}

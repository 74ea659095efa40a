import { z } from 'zod';

import { PythonFloat, type PythonValue } from './wire/python-json.js';
import { given, wireEnum, wireFloat, wireInt, wireText } from './wire/wire-types.js';

/** What a missing datapoint counts as. `missing`: nothing, as in Aodh; `ignore`: the alarm keeps its state. */
export const MISSING_DATA_TREATMENTS = ['missing', 'ok', 'alarm', 'ignore'] as const;
export type MissingDataTreatment = (typeof MISSING_DATA_TREATMENTS)[number];

/**
 * What Aodh has no words for: set in the `tocsin` object of an alarm, or of a rule within a composite one, under these
 * names. What is absent is as in Aodh.
 */
export interface EvaluationOptions {
  /**
   * In alarm as soon as so many of the last `evaluation_periods` datapoints are outside, and ok otherwise; then there
   * are no trends.
   */
  readonly datapoints_to_alarm?: number;
  readonly treat_missing_data?: MissingDataTreatment;
  /**
   * While the alarm is in alarm, values are compared with this instead of the threshold, so that it takes more to leave
   * than to enter.
   */
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

export const OPTION_LIMITS = {
  /** Most datapoints that a rule can look at. */
  periods: 100,
  lagS: 24 * 3600,
  backendName: 64,
} as const;

/** The options as requests give them. */
export const OPTION_FIELDS = {
  datapoints_to_alarm: given(wireInt({ min: 1, max: OPTION_LIMITS.periods })),
  treat_missing_data: given(wireEnum(MISSING_DATA_TREATMENTS)),
  clear_threshold: given(wireFloat()),
  ingestion_lag: given(wireInt({ min: 0, max: OPTION_LIMITS.lagS })),
  backend: given(wireText({ max: OPTION_LIMITS.backendName })),
} as const;

/** A `tocsin` object that holds nothing else. */
export const OptionsRequest = z.strictObject(OPTION_FIELDS);

/** What a request says of the evaluation; null when that is nothing. */
export function optionsFromRequest(sent: z.infer<typeof OptionsRequest> | null | undefined): EvaluationOptions | null {
  const { datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend } = sent ?? {};
  const said = Object.entries({
    datapoints_to_alarm,
    treat_missing_data,
    clear_threshold,
    ingestion_lag,
    backend,
  }).filter(([, value]) => value !== undefined && value !== null);
  return said.length === 0 ? null : Object.fromEntries(said);
}

/** Options as clients read them; what is not set is left out. */
export function shownOptions(options: EvaluationOptions): Readonly<Record<string, PythonValue>> {
  const { datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend } = options;
  return {
    datapoints_to_alarm,
    treat_missing_data,
    clear_threshold: clear_threshold === undefined ? undefined : new PythonFloat(clear_threshold),
    ingestion_lag,
    backend,
  };
}

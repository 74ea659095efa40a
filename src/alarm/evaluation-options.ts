import { z } from 'zod';

import { PythonFloat } from './wire/python-json.js';
import { given, wireEnum, wireFloat, wireInt, wireText } from './wire/wire-types.js';

/** What a missing datapoint counts as. `missing`: as nothing, as in Aodh; `ignore`: the alarm keeps its state. */
export const MISSING_DATA_TREATMENTS = ['missing', 'ok', 'alarm', 'ignore'] as const;
export type MissingDataTreatment = (typeof MISSING_DATA_TREATMENTS)[number];

/**
 * Options that Aodh does not have. They are set in the `tocsin` object of an alarm, or of a rule within a composite
 * one, under these names. An absent option means: as in Aodh.
 */
export interface EvaluationOptions {
  /**
   * The alarm is in `alarm` if this many of the last `evaluation_periods` datapoints are outside, and `ok` otherwise.
   * There are no trends then.
   */
  readonly datapoints_to_alarm?: number;
  readonly treat_missing_data?: MissingDataTreatment;
  /** Compared instead of the threshold while the alarm is in `alarm` (hysteresis). */
  readonly clear_threshold?: number;
  /** Seconds by which the window ends before the evaluation, for measurements that arrive late. */
  readonly ingestion_lag?: number;
  /** The name of a configured backend, if there are several of one kind. */
  readonly backend?: string;
}

export type EvaluationOption = keyof EvaluationOptions;

/** All as in Aodh. */
export const NO_OPTIONS: EvaluationOptions = {};

/** Why an option cannot be used with a rule. */
export interface OptionProblem {
  option: EvaluationOption;
  message: string;
}

/** The limits of the options. */
export const OPTION_LIMITS = {
  /** Most datapoints in the window of a rule. */
  periods: 100,
  lagS: 24 * 3600,
  backendName: 64,
} as const;

/** The options as fields of a request. */
export const OPTION_FIELDS = {
  datapoints_to_alarm: given(wireInt({ min: 1, max: OPTION_LIMITS.periods })).meta({
    title: 'Datapoints to alarm',
    description: 'The alarm fires as soon as this many of the last datapoints are outside the threshold. Not set: all.',
  }),
  treat_missing_data: given(wireEnum(MISSING_DATA_TREATMENTS)).meta({
    title: 'Missing data',
    description: 'How a missing datapoint counts. ignore: the alarm keeps its state.',
  }),
  clear_threshold: given(wireFloat()).meta({
    title: 'Clear threshold',
    description: 'Used instead of the threshold while the state is alarm (hysteresis).',
  }),
  ingestion_lag: given(wireInt({ min: 0, max: OPTION_LIMITS.lagS })).meta({
    title: 'Ingestion lag',
    description: 'How late data arrives. The window of the datapoints ends this long before the evaluation.',
    'x-unit': 's',
  }),
  backend: given(wireText({ max: OPTION_LIMITS.backendName })).meta({
    title: 'Backend',
    description: 'Name of a configured backend. Not set: the one without a name.',
  }),
} as const;

/** A `tocsin` object with no other fields. */
export const OptionsRequest = z.strictObject(OPTION_FIELDS);

/** The options in a request; null if it has none. */
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

/** The options as clients read them. Those that are not set are undefined. */
export type ShownOptions = {
  readonly [Option in EvaluationOption]:
    (Option extends 'clear_threshold' ? PythonFloat : EvaluationOptions[Option]) | undefined;
};

/** The options as clients read them. */
export function shownOptions(options: EvaluationOptions): ShownOptions {
  const { datapoints_to_alarm, treat_missing_data, clear_threshold, ingestion_lag, backend } = options;
  return {
    datapoints_to_alarm,
    treat_missing_data,
    clear_threshold: clear_threshold === undefined ? undefined : new PythonFloat(clear_threshold),
    ingestion_lag,
    backend,
  };
}

/**
 * Titles, descriptions and units of fields that several types of rules have. They are in the OpenAPI document, and
 * label the fields of forms. `x-unit` is the unit of a number.
 */

export const COMPARISON_WORDS = { title: 'Comparison', description: 'How a datapoint is compared with the threshold.' };

export const THRESHOLD_WORDS = {
  title: 'Threshold',
  description: 'A datapoint is outside the threshold if the comparison with this number is true.',
};

export const PERIODS_WORDS = { title: 'Periods', description: 'Number of the last datapoints that are compared.' };

export const GRANULARITY_WORDS = {
  title: 'Granularity',
  description: 'Time between two datapoints of the series.',
  'x-unit': 's',
};

export const CONDITIONS_WORDS = { title: 'Conditions' };

/** Titles and descriptions for a condition of a query, which compares a field with a value. */
export const CONDITION_WORDS = {
  field: { title: 'Field' },
  op: { title: 'Comparison' },
  value: { title: 'Value' },
  type: { title: 'Type', description: 'Type of the value. Empty: text.' },
} as const;

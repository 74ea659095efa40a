/**
 * Titles, descriptions and units of fields that several kinds of rules have. They are in the document of the API, and
 * label the fields of forms. `x-unit` is the unit of a number.
 */

export const COMPARISON_WORDS = { title: 'Comparison', description: 'How a value is compared with the threshold.' };

export const THRESHOLD_WORDS = {
  title: 'Threshold',
  description: 'A value is outside if the comparison with this number is true.',
};

export const PERIODS_WORDS = { title: 'Periods', description: 'Number of newest values that are compared.' };

export const GRANULARITY_WORDS = {
  title: 'Granularity',
  description: 'Time between two values of the series.',
  'x-unit': 's',
};

export const CONDITIONS_WORDS = { title: 'Conditions' };

/** Words for the conditions of a query; each is compared with a field. */
export const CONDITION_WORDS = {
  field: { title: 'Field' },
  op: { title: 'Comparison' },
  value: { title: 'Value' },
  type: { title: 'Type', description: 'Type of the value. Empty: text.' },
} as const;

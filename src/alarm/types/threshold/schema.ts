import { z } from 'zod';

import { COMPARISON_WORDS, CONDITION_WORDS, CONDITIONS_WORDS, PERIODS_WORDS, THRESHOLD_WORDS } from '../field-words.js';
import { optional, wireBool, wireEnum, wireFloat, wireInt, wireList, wireText } from '../../wire/wire-types.js';

export const COMPARISON_OPERATORS = ['lt', 'le', 'eq', 'ne', 'ge', 'gt'] as const;
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number];

export const STATISTICS = ['max', 'min', 'avg', 'sum', 'count'] as const;
export type Statistic = (typeof STATISTICS)[number];

const VALUE_TYPES = ['integer', 'float', 'string', 'boolean', 'datetime'];
const FIELD =
  /^(project|project_id|user|user_id|resource|resource_id|meter|source|message_id|(resource_)?metadata\.[^.].*)$/;
const NOT_FOR_THIS_RESOURCE = new Set(['timestamp', 'search_offset']);
const MAX_PERIOD_S = 365 * 24 * 3600;

const QueryItem = z
  .strictObject({
    field: wireText({ max: 255 }).meta(CONDITION_WORDS.field),
    op: optional(wireText({ max: 16 }).meta({ enum: ['eq'] }), 'eq').meta(CONDITION_WORDS.op),
    value: wireText({ max: 2048 }).meta(CONDITION_WORDS.value),
    type: optional(wireText({ max: 16 }).meta({ enum: ['', ...VALUE_TYPES] }), '').meta(CONDITION_WORDS.type),
  })
  .superRefine(({ field, op, value, type }, context) => {
    const problem = problemOf(field, op, value, type);
    // Aodh reports a refused operator as an invalid field. The other texts stand by themselves.
    if (problem)
      context.addIssue({
        code: 'custom',
        message: problem.message,
        path: [problem.at],
        params: { whole: problem.at !== 'op' },
      });
  });
export type QueryItem = z.infer<typeof QueryItem>;

/** Aodh's legacy `threshold_rule`: a statistic of one meter's samples, period by period, against a threshold. */
export const ThresholdRule = z
  .strictObject({
    period: optional(wireInt({ min: 1, max: MAX_PERIOD_S }), 60).meta({
      title: 'Period',
      description: 'Length of the period whose samples become one datapoint.',
      'x-unit': 's',
    }),
    comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq').meta(COMPARISON_WORDS),
    threshold: wireFloat().meta(THRESHOLD_WORDS),
    statistic: optional(wireEnum(STATISTICS), 'avg').meta({
      title: 'Statistic',
      description: 'How the samples of a period become one datapoint.',
    }),
    evaluation_periods: optional(wireInt({ min: 1, max: 100 }), 1).meta(PERIODS_WORDS),
    meter_name: wireText({ max: 255 }).meta({ title: 'Meter', description: 'Name of a meter, such as cpu_util.' }),
    exclude_outliers: optional(wireBool(), false).meta({
      title: 'Exclude outliers',
      description: 'Leave out periods with far fewer or far more samples than the others.',
    }),
    query: optional(wireList(QueryItem, { max: 50 }), []).meta({
      ...CONDITIONS_WORDS,
      description: 'A sample must meet all of them. Fields are resource_id, user_id, metadata.NAME and others.',
    }),
  })
  .transform((rule): ThresholdRule => ({ type: 'threshold' as const, ...rule }))
  .meta({
    title: 'Threshold on built-in meters',
    description: 'Compares a statistic of the samples of a meter in the built-in store with a threshold.',
  });

interface ThresholdFields {
  type: 'threshold';
  period: number;
  comparison_operator: ComparisonOperator;
  threshold: number;
  statistic: Statistic;
  evaluation_periods: number;
  meter_name: string;
  exclude_outliers: boolean;
  query: QueryItem[];
}

export interface ThresholdRule extends ThresholdFields {
  /**
   * The project whose samples the rule reads. The server sets it, and clients do not see it. Null means all projects.
   * Undefined before `scopedTo` has set it: then only a condition can name the project.
   */
  scope_to_project?: string | null | undefined;
}

function problemOf(
  field: string,
  op: string,
  value: string,
  type: string,
): { at: string; message: string } | undefined {
  if (NOT_FOR_THIS_RESOURCE.has(field))
    return { at: 'field', message: `Unknown argument: "${field}": not valid for this resource` };
  if (!FIELD.test(field)) return { at: 'field', message: `Unknown argument: "${field}": unrecognized field in query` };
  if (op !== 'eq') return { at: 'op', message: `unimplemented operator for ${field}` };
  if (type !== '' && !VALUE_TYPES.includes(type)) {
    const known = VALUE_TYPES.map((name) => `'${name}'`).join(', ');
    return {
      at: 'type',
      message: `The data type ${type} is not supported. The supported data type list is: [${known}]`,
    };
  }
  if (!convertible(value, type))
    return { at: 'value', message: `Unable to convert the value ${value} to the expected data type ${type}.` };
  return undefined;
}

function convertible(value: string, type: string): boolean {
  if (type === 'integer') return /^\s*[+-]?\d+\s*$/.test(value);
  if (type === 'float') return value.trim() !== '' && Number.isFinite(Number(value));
  if (type === 'boolean') return /^(1|t|true|on|y|yes|0|f|false|off|n|no)$/i.test(value);
  if (type === 'datetime') return !Number.isNaN(Date.parse(value));
  return true;
}

import { z } from 'zod';

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
    field: wireText({ max: 255 }),
    op: optional(wireText({ max: 16 }), 'eq'),
    value: wireText({ max: 2048 }),
    type: optional(wireText({ max: 16 }), ''),
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
    period: optional(wireInt({ min: 1, max: MAX_PERIOD_S }), 60),
    comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq'),
    threshold: wireFloat(),
    statistic: optional(wireEnum(STATISTICS), 'avg'),
    evaluation_periods: optional(wireInt({ min: 1, max: 100 }), 1),
    meter_name: wireText({ max: 255 }),
    exclude_outliers: optional(wireBool(), false),
    query: optional(wireList(QueryItem, { max: 50 }), []),
  })
  .transform((rule): ThresholdRule => ({ type: 'threshold' as const, ...rule }));

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

import { AppError } from '../../../errors.js';
import type { EvaluationOptions } from '../../evaluation-options.js';
import type { MeterQuery, SeriesNeed } from '../../series.js';
import type { RuleScope } from '../alarm-type.js';
import type { QueryItem, ThresholdRule } from './schema.js';

/** One period more than the rule compares, so that a late sample still finds its period (Aodh's look-back). */
const LOOK_BACK = 1;

/**
 * The need of a threshold rule. Rules that differ only in statistic, operator, threshold or number of periods share its
 * key.
 */
export function seriesNeeded(rule: ThresholdRule, { ingestion_lag: lagS = 0 }: EvaluationOptions): SeriesNeed[] {
  const query = meterQuery(rule);
  const need: SeriesNeed = {
    datasource: 'meters',
    backend: null,
    key: JSON.stringify(['meters', rule.period, ...(lagS === 0 ? [] : [lagS]), query]),
    query,
    granularityS: rule.period,
    // Aodh doubles the window to find outliers.
    periods: rule.evaluation_periods + (rule.exclude_outliers ? rule.evaluation_periods : LOOK_BACK),
    lagS,
  };
  return [need];
}

/**
 * The rule as it is stored. The scope is stored beside the author's conditions and does not depend on them. If the
 * author is bound to a project, the rule gets that project as a condition, too, as in Aodh; clients read that
 * condition.
 * @throws AppError `not_authorized` (Aodh: 401) when a condition names another project.
 */
export function scopedTo(rule: ThresholdRule, { projectId }: RuleScope): ThresholdRule {
  if (projectId === null) return { ...rule, scope_to_project: null };
  const named = projectConditions(rule);
  const foreign = named.find(({ value }) => value !== projectId);
  if (foreign) {
    const fieldIn = { part: rule, path: ['query', rule.query.indexOf(foreign), 'value'] };
    throw new AppError('not_authorized', `Not Authorized to access project ${foreign.value}`, { fieldIn });
  }
  const shown: QueryItem[] = named.length > 0 ? [] : [{ field: 'project_id', op: 'eq', value: projectId, type: '' }];
  return { ...rule, query: [...rule.query, ...shown], scope_to_project: projectId };
}

function projectConditions({ query }: ThresholdRule): QueryItem[] {
  return query.filter((item) => canonicalField(item) === 'project_id');
}

/** Keys are in a fixed order, so that equal queries give equal texts. */
function meterQuery(rule: ThresholdRule): MeterQuery {
  const conditions = new Map<string, string>();
  let impossible: true | undefined;
  for (const item of rule.query) {
    const field = canonicalField(item);
    const value = field.startsWith('metadata.') ? canonicalValue(item) : item.value;
    if ((conditions.get(field) ?? value) !== value || (field === 'meter' && value !== rule.meter_name))
      impossible = true;
    conditions.set(field, value);
  }
  const project = rule.scope_to_project ?? null;
  const projectId = conditions.get('project_id');
  const metadata = [...conditions].filter(([field]) => field.startsWith('metadata.')).sort(byFirst);
  return {
    meter: rule.meter_name,
    project,
    // A condition that repeats the scope adds nothing. Any other condition is kept and can only narrow the query.
    projectId: projectId === project ? undefined : projectId,
    userId: conditions.get('user_id'),
    resourceId: conditions.get('resource_id'),
    source: conditions.get('source'),
    messageId: conditions.get('message_id'),
    metadata:
      metadata.length > 0
        ? Object.fromEntries(metadata.map(([field, value]) => [field.slice('metadata.'.length), value]))
        : undefined,
    impossible,
  };
}

function canonicalField({ field }: QueryItem): string {
  if (field === 'project' || field === 'user' || field === 'resource') return `${field}_id`;
  return field.replace(/^resource_metadata\./, 'metadata.');
}

/**
 * Typed metadata values are compared as the text that PostgreSQL gives for the same value in stored JSON. Other fields
 * are ids and names: they are compared as sent, which is also the text of the access check.
 */
function canonicalValue({ value, type }: QueryItem): string {
  if (type === 'integer' || type === 'float') return String(Number(value));
  if (type === 'boolean') return String(/^(1|t|true|on|y|yes)$/i.test(value));
  return value;
}

function byFirst([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

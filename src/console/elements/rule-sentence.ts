import type { Schemas } from '../requests/client.js';
import { comparisonWords, countOf, numberText, operatorSign } from './numbers.js';
import { durationText } from './time.js';

/** Fields of a rule, as the API writes it. */
export type RuleFields = Readonly<Record<string, unknown>>;

/** The rule of an alarm: the member with the name of its type. */
export function ruleOf(alarm: Pick<Schemas['Alarm'], 'type'>): RuleFields {
  return ((alarm as Record<string, unknown>)[`${alarm.type}_rule`] ?? {}) as RuleFields;
}

/** A rule in a sentence. Composite rules and combinations are shown as trees beside it. */
export function ruleSentence(type: string, rule: RuleFields, options: RuleFields = {}): string {
  const words = SENTENCES[type];
  return words ? words(rule, options) : `Evaluated as ${type}.`;
}

const SENTENCES: Readonly<Record<string, (rule: RuleFields, options: RuleFields) => string>> = {
  threshold: (rule, options) =>
    `Fires when the ${statistic(rule['statistic'])} of ${text(rule['meter_name'])}${conditions(rule['query'])} ` +
    `${comparison(rule)}, ${periods(rule['evaluation_periods'], rule['period'], options)}.${clearing(options)}`,
  prometheus: (rule, options) =>
    `Fires when ${text(rule['query'])} ${comparison(rule)}` +
    `${rule['evaluation_periods'] === undefined ? '' : `, ${granularPeriods(rule, options)}`}.` +
    clearing(options),
  gnocchi_resources_threshold: (rule, options) =>
    `Fires when the ${statistic(rule['aggregation_method'])} of ${text(rule['metric'])} of ` +
    `${text(rule['resource_type'])} ${text(rule['resource_id'])} ${gnocchi(rule, options)}`,
  gnocchi_aggregation_by_metrics_threshold: (rule, options) =>
    `Fires when the ${statistic(rule['aggregation_method'])} of ${countOf(count(rule['metrics']), 'metric')} ` +
    gnocchi(rule, options),
  gnocchi_aggregation_by_resources_threshold: (rule, options) =>
    `Fires when the ${statistic(rule['aggregation_method'])} of ${text(rule['metric'])} over all resources of type ` +
    `${text(rule['resource_type'])} that match ${text(rule['query'])} ${gnocchi(rule, options)}`,
  composite: () => 'Fires when its rules hold, combined as below.',
  combination: (rule) =>
    `Fires when ${rule['operator'] === 'or' ? 'any' : 'each'} of ${countOf(count(rule['alarm_ids']), 'alarm')} ` +
    'is in alarm.',
  event: (rule) => `Fires on each event ${text(rule['event_type'])}${conditions(rule['query'])}.`,
  loadbalancer_member_health: (rule) => `Fires when a member of the pool ${text(rule['pool_id'])} is unhealthy.`,
};

const STATISTICS: Readonly<Record<string, string>> = {
  avg: 'average',
  mean: 'average',
  max: 'maximum',
  min: 'minimum',
  std: 'standard deviation',
};

function statistic(name: unknown): string {
  return STATISTICS[text(name)] ?? text(name);
}

function gnocchi(rule: RuleFields, options: RuleFields): string {
  return `${comparison(rule)}, ${granularPeriods(rule, options)}.${clearing(options)}`;
}

function granularPeriods(rule: RuleFields, options: RuleFields): string {
  return periods(rule['evaluation_periods'], rule['granularity'], options);
}

function comparison(rule: RuleFields): string {
  return `${comparisonWords(text(rule['comparison_operator']))} ${numberText(rule['threshold'] as number)}`;
}

function periods(evaluationPeriods: unknown, seconds: unknown, options: RuleFields): string {
  const all = Number(evaluationPeriods ?? 1);
  const length = typeof seconds === 'number' ? ` of ${durationText(seconds * 1000)}` : '';
  const needed = options['datapoints_to_alarm'];
  if (typeof needed === 'number') return `in ${needed} of ${all} periods${length}`;
  return all === 1 ? `in one period${length}` : `in ${all} periods${length} in a row`;
}

function clearing(options: RuleFields): string {
  const clear = options['clear_threshold'];
  return typeof clear === 'number' ? ` It clears at ${numberText(clear)}.` : '';
}

function conditions(query: unknown): string {
  if (!Array.isArray(query) || query.length === 0) return '';
  const parts = (query as RuleFields[]).map(
    ({ field, op, value }) => `${text(field)} ${operatorSign(text(op ?? 'eq'))} ${text(value)}`,
  );
  return ` where ${parts.join(' and ')}`;
}

function count(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

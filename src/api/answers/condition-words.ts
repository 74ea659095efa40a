import type { AlarmRule } from '../../alarm/types/index.js';
import type { COMPARISON_OPERATORS } from '../../alarm/types/threshold/schema.js';
import { counted } from '../../alarm/wire/counted-noun.js';
import { pythonFloat } from '../../alarm/wire/python-json.js';

const COMPARISONS: Readonly<Record<(typeof COMPARISON_OPERATORS)[number], string>> = {
  lt: 'is less than',
  le: 'is at most',
  eq: 'is equal to',
  ne: 'is not equal to',
  ge: 'is at least',
  gt: 'is greater than',
};
const STATISTICS: Readonly<Record<string, string>> = {
  avg: 'average',
  mean: 'average',
  max: 'maximum',
  min: 'minimum',
  std: 'standard deviation',
};

/** When an alarm of this rule fires, in words: `average of cpu over 60 s is greater than 80`. */
export function conditionWords(rule: AlarmRule): string {
  if ('threshold' in rule)
    return `${comparedWords(rule)} ${COMPARISONS[rule.comparison_operator]} ${numberWords(rule.threshold)}`;
  switch (rule.type) {
    case 'composite':
      return 'its rules hold';
    case 'combination':
      return `${rule.operator === 'or' ? 'any' : 'each'} of ${counted(rule.alarm_ids.length, 'alarm')} is in alarm`;
    case 'event':
      return rule.event_type === '*' ? 'any event is received' : `an event ${rule.event_type} is received`;
    case 'loadbalancer_member_health':
      return `a member of the pool ${rule.pool_id} is unhealthy`;
  }
}

function comparedWords(rule: Extract<AlarmRule, { threshold: number }>): string {
  switch (rule.type) {
    case 'threshold':
      return `${statisticWords(rule.statistic)} of ${rule.meter_name} over ${rule.period} s`;
    case 'prometheus':
      return rule.query;
    case 'gnocchi_resources_threshold':
      return gnocchiWords(rule, `${rule.metric} of ${rule.resource_type} ${rule.resource_id}`);
    case 'gnocchi_aggregation_by_metrics_threshold':
      return gnocchiWords(rule, counted(rule.metrics.length, 'metric'));
    case 'gnocchi_aggregation_by_resources_threshold':
      return gnocchiWords(rule, `${rule.metric} of resources of type ${rule.resource_type}`);
  }
}

function gnocchiWords(
  { aggregation_method, granularity }: { aggregation_method: string; granularity: number },
  of: string,
): string {
  return `${statisticWords(aggregation_method)} of ${of} over ${granularity} s`;
}

function statisticWords(name: string): string {
  return STATISTICS[name] ?? name;
}

function numberWords(value: number): string {
  return Number.isFinite(value) ? String(value) : pythonFloat(value);
}

import { thresholdBody } from './api.js';

/** A good body for each kind of request, to be spoilt in one place. */

const GNOCCHI = {
  threshold: 50,
  aggregation_method: 'mean',
  comparison_operator: 'gt',
  evaluation_periods: 2,
  granularity: 60,
};
const LEAF = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu',
  resource_id: 'r1',
  resource_type: 'instance',
  ...GNOCCHI,
};

/** What all kinds of alarms have in common, set. */
const COMMON = {
  name: 'an alarm',
  description: 'words',
  enabled: true,
  ok_actions: ['http://h/ok'],
  alarm_actions: ['http://h/alarm'],
  insufficient_data_actions: [],
  repeat_actions: false,
  severity: 'low',
  state: 'ok',
  time_constraints: [{ name: 'n', description: '', start: '0 0 * * *', duration: 60, timezone: 'UTC' }],
};

const RULES: Record<string, unknown> = {
  threshold: {
    meter_name: 'cpu',
    threshold: 1,
    period: 60,
    query: [{ field: 'metadata.x', op: 'eq', value: 'y', type: 'string' }],
    statistic: 'avg',
    evaluation_periods: 1,
    exclude_outliers: false,
    comparison_operator: 'gt',
  },
  gnocchi_resources_threshold: { metric: 'cpu', resource_id: 'r1', resource_type: 'instance', ...GNOCCHI },
  gnocchi_aggregation_by_metrics_threshold: { metrics: ['m1', 'm2'], ...GNOCCHI },
  gnocchi_aggregation_by_resources_threshold: {
    metric: 'cpu',
    query: '{"=": {"server_group": "g"}}',
    resource_type: 'instance',
    ...GNOCCHI,
  },
  prometheus: { query: 'up == 0', threshold: 1, comparison_operator: 'gt' },
  event: { event_type: 'compute.*', query: [{ field: 'traits.state', op: 'eq', value: 'error', type: 'string' }] },
  loadbalancer_member_health: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'a' },
  composite: {
    or: [
      LEAF,
      {
        and: [
          { ...LEAF, tocsin: { datapoints_to_alarm: 1, clear_threshold: 40, ingestion_lag: 60 } },
          { type: 'prometheus', query: 'up', threshold: 1 },
        ],
      },
    ],
  },
};

export const ALARM_BODIES = Object.entries(RULES).map(([type, rule]) =>
  thresholdBody({ ...COMMON, type, threshold_rule: undefined, [`${type}_rule`]: rule }),
);

export const EVENT_BODY = {
  message_id: 'm1',
  event_type: 'compute.instance.update',
  generated: '2026-01-01T00:00:00',
  traits: [
    ['state', 1, 'error'],
    ['memory', 2, '512'],
  ],
};

export const QUOTA_BODY = { project_id: 'p1', quotas: [{ resource: 'alarms', limit: 10 }] };

export const FILTERS = [
  '{"=": {"name": "x"}}',
  '{"and": [{"<": {"timestamp": "2026-01-01"}}, {"in": {"state": ["ok", "alarm"]}}]}',
  '{"not": {"=~": {"name": "(a+)+$"}}}',
  '{"or": [{"like": {"description": "%a_"}}, {"!=": {"enabled": true}}]}',
];

/** Every way to a value inside a JSON value. */
export function pathsIn(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const inside = members.flatMap(([key, member]) => pathsIn(member, [...at, Array.isArray(value) ? Number(key) : key]));
  return at.length === 0 ? inside : [at, ...inside];
}

/** The value with another one at the end of the way. */
export function withAt(value: unknown, [first, ...rest]: readonly (string | number)[], wrong: unknown): unknown {
  if (first === undefined) return wrong;
  if (Array.isArray(value))
    return value.map((member: unknown, index) => (index === first ? withAt(member, rest, wrong) : member));
  return { ...(value as object), [first]: withAt((value as Record<string, unknown>)[first], rest, wrong) };
}

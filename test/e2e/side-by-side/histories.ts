import {
  balancer,
  composite,
  event,
  get,
  LEAF,
  metrics,
  post,
  put,
  resource,
  resources,
  type Exchange,
} from './exchange.js';

type Body = Record<string, unknown>;

const trait = (fields: Body): Body => ({ value: 'error', type: 'string', field: 'traits.state', op: 'eq', ...fields });
const byMetrics: Body = { ...LEAF, type: 'gnocchi_aggregation_by_metrics_threshold', metrics: ['m1'] };
for (const own of ['metric', 'resource_id', 'resource_type']) delete byMetrics[own];
const constraint = { timezone: 'Europe/Berlin', duration: 60, start: '0 1 * * *', name: 'c', description: 'd' };

/** One of each kind as it is made, and as it is changed: what clients send comes in any order. */
const ALARMS: Record<string, [made: Body, changed: Body]> = {
  resource: [
    resource(),
    resource({ evaluation_periods: 3, threshold: 17, comparison_operator: 'lt', granularity: 300 }),
  ],
  metrics: [metrics(), metrics({ threshold: 1e-7, metrics: ['m3'], aggregation_method: 'max' })],
  resources: [resources(), resources({ threshold: 1e16, resource_type: 'other', query: '{"=": {"a": 17.0}}' })],
  balancer: [balancer(), balancer({ pool_id: 'other' })],
  event: [
    event({ time_constraints: [constraint] }, { query: [trait({})] }),
    event(
      { time_constraints: [constraint, { ...constraint, name: 'e' }] },
      { query: [trait({ op: 'ne' }), trait({})] },
    ),
  ],
  composite: [
    composite({ or: [LEAF, byMetrics] }),
    composite({ and: [{ ...LEAF, granularity: 300 }, { or: [byMetrics, LEAF] }] }),
  ],
  severities: [
    resource({}, { severity: 'critical', description: '' }),
    resource({}, { severity: 'low', enabled: false }),
  ],
};

/** What history tells of each kind of alarm. */
export const HISTORY_OF_KINDS: Exchange[] = Object.entries(ALARMS).flatMap(([name, [made, changed]]) => [
  post(made, { saves: `history${name}` }),
  get(`/v2/alarms/{history${name}}/history`),
  put(`/v2/alarms/{history${name}}`, changed),
  get(`/v2/alarms/{history${name}}/history`),
  put(`/v2/alarms/{history${name}}/state`, 'alarm'),
  get(`/v2/alarms/{history${name}}/history`),
]);

/** From one kind to each other one. */
export const CHANGED_KINDS: Exchange[] = [
  post(resource(), { saves: 'changing' }),
  ...Object.values(ALARMS).flatMap(([made]) => [
    put('/v2/alarms/{changing}', made),
    get('/v2/alarms/{changing}/history?limit=1'),
  ]),
];

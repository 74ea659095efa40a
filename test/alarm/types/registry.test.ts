import { describe, expect, test } from '@jest/globals';

import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import { pythonJson, PythonFloat } from '../../../src/alarm/wire/python-json.js';
import {
  alarmTypes,
  evaluatedTypeOf,
  parseStoredRule,
  typeOf,
  type AlarmRule,
} from '../../../src/alarm/types/index.js';

const COMMON = { threshold: '7', aggregation_method: 'mean' };

const RULES: [AlarmRule, string][] = [
  [alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1 }), '"scope_to_project": null}'],
  [
    alarmTypes.gnocchi_resources_threshold.schema.parse({
      ...COMMON,
      metric: 'm',
      resource_id: 'r',
      resource_type: 't',
    }),
    '{"metric": "m", "resource_id": "r", "resource_type": "t", "comparison_operator": "eq", "threshold": 7.0, ',
  ],
  [alarmTypes.gnocchi_aggregation_by_metrics_threshold.schema.parse({ ...COMMON, metrics: [] }), '{"metrics": [], '],
  [
    alarmTypes.gnocchi_aggregation_by_resources_threshold.schema.parse({
      ...COMMON,
      metric: 'm',
      query: '{}',
      resource_type: 't',
    }),
    '{"metric": "m", "query": "{}", "resource_type": "t", ',
  ],
  [
    alarmTypes.loadbalancer_member_health.schema.parse({ pool_id: 'p', stack_id: 's', autoscaling_group_id: 'a' }),
    '{"pool_id": "p", "stack_id": "s", "autoscaling_group_id": "a", "scope_to_project": null}',
  ],
  [alarmTypes.composite.schema.parse({ type: 'prometheus', query: 'up', threshold: 1 }), '"type": "prometheus"}'],
];

describe.each(RULES)('a rule of a kind with a query to a server (%j)', (rule, text) => {
  const kind = typeOf(rule);

  test('is written and read back', () => {
    const stored = kind.ruleJson(rule);
    expect(stored).toContain(text);
    expect(parseStoredRule(rule.type, stored)).toEqual(rule);
  });

  test('queries a backend and has no member alarms', () => {
    expect(kind.seriesNeeded(rule, NO_OPTIONS).length).toBeGreaterThan(0);
    expect(kind.members(rule)).toEqual([]);
    expect(kind.judgedBy).toBe('series');
  });
});

test.each([
  ['gnocchi_resources_threshold', { metric: 'm', resource_id: 'r', resource_type: 't' }],
  ['gnocchi_aggregation_by_metrics_threshold', { metrics: ['m1', 'm2'] }],
  ['gnocchi_aggregation_by_resources_threshold', { metric: 'm', query: '{}', resource_type: 't' }],
] as const)("history has the keys of a rule %s in Aodh's order, not in the order of the request", (type, own) => {
  const common = {
    granularity: 300,
    comparison_operator: 'gt',
    threshold: 7,
    aggregation_method: 'mean',
    evaluation_periods: 2,
  };
  const rule: AlarmRule = alarmTypes[type].schema.parse({ ...own, ...common });
  const expected = { ...common, threshold: new PythonFloat(7), ...own };
  expect(typeOf(rule).historyJson?.(rule)).toBe(pythonJson(expected));
});

test('evaluators cannot judge an event alarm', () => {
  const rule = alarmTypes.event.schema.parse({ event_type: 'compute.*' });
  expect(() => evaluatedTypeOf(rule)).toThrow('alarms of type event cannot be evaluated');
});

test('a rule of an evaluated kind has an evaluation', () => {
  const rule = alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 1 });
  expect(evaluatedTypeOf(rule)).toBe(alarmTypes.threshold);
});

describe('prometheus', () => {
  test('keeps the project of its owner, and has none for an admin', () => {
    const rule = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1, comparison_operator: 'gt' });
    const scoped = alarmTypes.prometheus.scopedTo(rule, { projectId: 'p1' });
    expect(alarmTypes.prometheus.ruleJson(scoped)).toBe(
      '{"comparison_operator": "gt", "threshold": 1.0, "query": "up", "scope_to_project": "p1"}',
    );
    expect(alarmTypes.prometheus.shownJson?.(scoped)).toBe(
      '{"comparison_operator": "gt", "threshold": 1.0, "query": "up"}',
    );
    expect(alarmTypes.prometheus.scopedTo(scoped, { projectId: null })).toEqual(rule);
  });
});

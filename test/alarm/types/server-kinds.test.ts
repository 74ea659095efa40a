import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { AlarmState } from '../../../src/alarm/state.js';
import { decide } from '../../../src/alarm/decide.js';
import { NO_OPTIONS, type EvaluationOptions } from '../../../src/alarm/evaluation-options.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import { windowStart, type BackendAnswer, type SeriesNeed } from '../../../src/alarm/series.js';
import { alarmTypes, evaluatedTypeOf, typeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import { evaluationInput, seriesOf } from '../../support/builders.js';

const COMPARED = { threshold: 80, comparison_operator: 'gt', aggregation_method: 'mean' };
const OF_RESOURCE = { ...COMPARED, metric: 'cpu', resource_id: 'r', resource_type: 'instance' };
const OF_METRICS = { ...COMPARED, metrics: ['m1', 'm2'] };
const OF_RESOURCES = { ...COMPARED, metric: 'cpu', query: '{"=": {"a": 1}}', resource_type: 'instance' };
const PROMQL = { query: 'up', threshold: 80, comparison_operator: 'gt' };

const SENT = {
  gnocchi_resources_threshold: OF_RESOURCE,
  gnocchi_aggregation_by_metrics_threshold: OF_METRICS,
  gnocchi_aggregation_by_resources_threshold: OF_RESOURCES,
  prometheus: PROMQL,
} as const;
type Kind = keyof typeof SENT;
const KINDS = Object.keys(SENT) as Kind[];

function ruleOf(kind: Kind, given: object = {}, projectId: string | null = null): AlarmRule {
  const rule: AlarmRule = alarmTypes[kind].schema.parse({ ...SENT[kind], ...given });
  return typeOf(rule).scopedTo(rule, { projectId });
}

function needOf(
  kind: Kind,
  given: object = {},
  { options = NO_OPTIONS, project = null as string | null } = {},
): SeriesNeed {
  const rule = ruleOf(kind, given, project);
  return typeOf(rule).seriesNeeded(rule, options)[0]!;
}

describe('the window', () => {
  test.each([
    ['up', false],
    ['rate(up[5m] offset 1h)', false],
    ['up @ 1609746000', false],
    ['up @ start()', true],
    ['up - up @end ( )', true],
  ])('of the PromQL %s is the alarm’s own: %s', (query, isOwn) => {
    const [two, three] = [2, 3].map((evaluation_periods) => needOf('prometheus', { query, evaluation_periods }));
    expect([two?.ownWindow ?? false, two?.key === three?.key]).toEqual([isOwn, !isOwn]);
  });
});

describe('the query', () => {
  test.each<[kind: Kind, need: Partial<SeriesNeed>]>([
    [
      'gnocchi_resources_threshold',
      {
        datasource: 'gnocchi',
        query: { kind: 'resource', resourceId: 'r', metric: 'cpu', method: 'mean', project: 'p1' },
        granularityS: 60,
        periods: 2,
      },
    ],
    [
      'gnocchi_aggregation_by_metrics_threshold',
      {
        datasource: 'gnocchi',
        query: { kind: 'metrics', metrics: ['m1', 'm2'], method: 'mean', project: 'p1' },
        periods: 2,
      },
    ],
    [
      'gnocchi_aggregation_by_resources_threshold',
      {
        datasource: 'gnocchi',
        query: {
          kind: 'resources',
          search: '{"and": [{"=": {"created_by_project_id": "p1"}}, {"=": {"a": 1}}]}',
          resourceType: 'instance',
          metric: 'cpu',
          method: 'mean',
        },
        periods: 2,
      },
    ],
    [
      'prometheus',
      { datasource: 'prometheus', query: { promql: 'up', project: 'p1' }, granularityS: 0, periods: 1, lagS: 0 },
    ],
  ])('of %s is that of the rule, for its project', (kind, need) => {
    expect(needOf(kind, {}, { project: 'p1' })).toMatchObject({ backend: null, ...need });
  });

  test('of a rule on a resource or metrics without a project finds no data', () => {
    const { scope_to_project: _, ...stored } = ruleOf('gnocchi_resources_threshold') as { scope_to_project?: null };
    const [need] = alarmTypes.gnocchi_resources_threshold.seriesNeeded(stored as never, NO_OPTIONS);
    expect(need?.query).toMatchObject({ project: '' });
  });

  test.each([
    [{}, 0, 1],
    [{ evaluation_periods: 3 }, 60, 3],
    [{ granularity: 30 }, 30, 1],
    [{ granularity: 30, evaluation_periods: 5 }, 30, 5],
  ])('of prometheus with %j has steps of %d seconds, %d of them', (given, granularityS, periods) => {
    expect(needOf('prometheus', given)).toMatchObject({ granularityS, periods });
  });
});

describe('alarms share an answer', () => {
  const NOT_ASKED = { threshold: 5, comparison_operator: 'le' };

  test.each(KINDS)('of %s that differ only in the condition', (kind) => {
    expect(needOf(kind, NOT_ASKED).key).toBe(needOf(kind).key);
    const options = { datapoints_to_alarm: 1, treat_missing_data: 'ok', clear_threshold: 1 } as const;
    expect(needOf(kind, {}, { options }).key).toBe(needOf(kind).key);
    const range = { granularity: 60, evaluation_periods: 1 };
    expect(needOf(kind, { ...range, evaluation_periods: 9 }).key).toBe(needOf(kind, range).key);
  });

  test.each<[kind: Kind, others: object[]]>([
    [
      'gnocchi_resources_threshold',
      [{ metric: 'x' }, { resource_id: 'x' }, { aggregation_method: 'max' }, { granularity: 300 }],
    ],
    [
      'gnocchi_aggregation_by_metrics_threshold',
      [{ metrics: ['m1'] }, { aggregation_method: 'max' }, { granularity: 300 }],
    ],
    [
      'gnocchi_aggregation_by_resources_threshold',
      [
        { metric: 'x' },
        { query: '{"=": {"a": 2}}' },
        { resource_type: 'x' },
        { aggregation_method: 'max' },
        { granularity: 300 },
      ],
    ],
    ['prometheus', [{ query: 'down' }, { granularity: 60 }, { granularity: 30 }]],
  ])('of %s, but not with a different query', (kind, others) => {
    const keys = [
      needOf(kind).key,
      ...others.map((other) => needOf(kind, other).key),
      needOf(kind, {}, { project: 'p1' }).key,
      needOf(kind, {}, { project: 'p2' }).key,
      needOf(kind, {}, { options: { backend: 'second' } }).key,
      needOf(kind, {}, { options: { ingestion_lag: 30 } }).key,
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('exactly if their queries are the same', () => {
    const word = fc.constantFrom('a', 'b', '"', ',', 'a","b');
    const asked = fc.record({
      kind: fc.constantFrom(...KINDS),
      given: fc.record({ granularity: fc.constantFrom(60, 300), evaluation_periods: fc.integer({ min: 1, max: 3 }) }),
      text: word,
      other: word,
      project: fc.option(word),
      options: fc.record({ backend: word, ingestion_lag: fc.constantFrom(0, 60) }, { requiredKeys: [] }),
    });
    const need = ({
      kind,
      given,
      text,
      other,
      project,
      options,
    }: typeof asked extends fc.Arbitrary<infer T> ? T : never): SeriesNeed => {
      const named = {
        metric: text,
        resource_id: other,
        metrics: [text, other],
        query: JSON.stringify({ '=': { a: text } }),
      };
      const fields = Object.fromEntries(Object.entries(named).filter(([name]) => name in SENT[kind]));
      return needOf(kind, { ...fields, ...given }, { options, project });
    };
    const questionOf = ({ key: _, periods: __, ...rest }: SeriesNeed): unknown => rest;
    fc.assert(
      fc.property(asked, asked, (one, two) => {
        const [a, b] = [need(one), need(two)];
        const isSame = JSON.stringify(questionOf(a)) === JSON.stringify(questionOf(b));
        expect(a.key === b.key).toBe(isSame);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the window at 12:57:30 begins', () => {
  const at = Date.parse('2026-01-01T12:57:30Z');

  test.each<[kind: Kind, given: object, options: EvaluationOptions, start: string]>([
    // One period more than the rule compares. The first one may begin before the window.
    ['gnocchi_resources_threshold', { evaluation_periods: 5 }, {}, '12:51:00'],
    ['gnocchi_resources_threshold', { evaluation_periods: 5 }, { ingestion_lag: 30 }, '12:51:00'],
    ['gnocchi_resources_threshold', { evaluation_periods: 5 }, { ingestion_lag: 31 }, '12:50:00'],
    ['gnocchi_aggregation_by_metrics_threshold', { granularity: 300 }, {}, '12:45:00'],
    ['gnocchi_aggregation_by_resources_threshold', { granularity: 3600 }, {}, '10:00:00'],
    ['prometheus', {}, {}, '12:57:30'],
    ['prometheus', {}, { ingestion_lag: 30 }, '12:57:00'],
    ['prometheus', { evaluation_periods: 1 }, {}, '12:57:30'],
    ['prometheus', { evaluation_periods: 5 }, {}, '12:53:30'],
    ['prometheus', { evaluation_periods: 5, granularity: 10 }, { ingestion_lag: 20 }, '12:56:30'],
  ])('for %s with %j and %j at %s', (kind, given, options, start) => {
    expect(new Date(windowStart(needOf(kind, given, { options }), at)).toISOString()).toBe(`2026-01-01T${start}.000Z`);
  });
});

describe('the reason', () => {
  const rows = (...values: number[]): BackendAnswer => ({
    kind: 'series',
    series: [seriesOf(values, { statistic: 'value' })],
  });
  const data = (disposition: string, count: number, last: string): string =>
    `{"type": "threshold", "disposition": "${disposition}", "count": ${count}, "most_recent": ${last}}`;

  interface Case {
    kind: Kind;
    from: AlarmState;
    answer: BackendAnswer;
    reason: string;
    reasonData: string;
  }

  const periods = { evaluation_periods: 3 };
  const gnocchi: Omit<Case, 'kind'>[] = [
    {
      from: 'ok',
      answer: rows(81, 85, 85),
      reason: 'Transition to alarm due to 3 samples outside threshold, most recent: 85.0',
      reasonData: data('outside', 3, '85.0'),
    },
    {
      from: 'alarm',
      answer: rows(99, 1, 2, 1e-5),
      reason: 'Transition to ok due to 3 samples inside threshold, most recent: 1e-05',
      reasonData: data('inside', 3, '1e-05'),
    },
    {
      from: 'ok',
      answer: rows(81, 1, 1),
      reason: 'Remaining as ok due to 2 samples inside threshold, most recent: 1.0',
      reasonData: data('inside', 2, '1.0'),
    },
    {
      from: 'alarm',
      answer: rows(1, 1e16, 1),
      reason: 'Remaining as alarm due to 1 samples outside threshold, most recent: 1.0',
      reasonData: data('outside', 1, '1.0'),
    },
    {
      from: 'insufficient data',
      answer: rows(1, 1, 81),
      reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 81.0',
      reasonData: data('outside', 1, '81.0'),
    },
    { from: 'ok', answer: rows(1, 85), reason: '3 datapoints are unknown', reasonData: data('unknown', 3, '85.0') },
    { from: 'ok', answer: rows(), reason: 'No datapoint for granularity 60', reasonData: data('unknown', 3, 'null') },
    {
      from: 'insufficient data',
      answer: rows(),
      reason: 'Remaining as insufficient data due to 0 samples outside threshold, most recent: None',
      reasonData: data('outside', 0, 'null'),
    },
    {
      from: 'insufficient data',
      answer: rows(99),
      reason: 'Remaining as insufficient data due to 0 samples outside threshold, most recent: 99.0',
      reasonData: data('outside', 0, '99.0'),
    },
    {
      from: 'ok',
      answer: { kind: 'absent', reason: 'metric cpu for resource r does not exists' },
      reason: 'metric cpu for resource r does not exists',
      reasonData: data('unknown', 3, 'null'),
    },
    {
      from: 'alarm',
      answer: { kind: 'refused', reason: 'alarm statistics retrieval failed: no' },
      reason: 'alarm statistics retrieval failed: no',
      reasonData: data('unknown', 3, 'null'),
    },
  ];
  const vector = (...values: number[]): BackendAnswer => ({
    kind: 'series',
    series: values.map((value) => seriesOf([value], { statistic: 'value' })),
  });
  const prometheus: Omit<Case, 'kind'>[] = [
    {
      from: 'ok',
      answer: vector(81, 82),
      reason: 'Transition to alarm due to 2 samples outside threshold, most recent: 82.0',
      reasonData: data('outside', 2, '82.0'),
    },
    {
      from: 'alarm',
      answer: vector(81, 2),
      reason: 'Remaining as alarm due to 1 samples outside threshold, most recent: 2.0',
      reasonData: data('outside', 1, '2.0'),
    },
    { from: 'ok', answer: vector(), reason: 'datapoints are unknown', reasonData: data('unknown', 0, 'null') },
  ];

  function told(rule: AlarmRule, from: AlarmState, answer: BackendAnswer): { reason: string; reasonData: string } {
    const type = evaluatedTypeOf(rule);
    const evaluation = type.evaluate(rule, { ...evaluationInput([]), answers: [answer], state: from });
    const decision = decide({ state: from, repeatActions: true }, evaluation, type);
    if (decision.kind === 'stay') throw new Error('nothing is told');
    return { reason: decision.reason, reasonData: pythonJson(decision.reasonData) };
  }

  const all = KINDS.filter((kind) => kind !== 'prometheus').flatMap((kind) =>
    gnocchi.map((one): Case => ({ kind, ...one })),
  );

  test.each(all)('of $kind from $from: $reason', ({ kind, from, answer, ...expected }) => {
    expect(told(ruleOf(kind, periods), from, answer)).toEqual(expected);
  });

  test.each(prometheus)('of prometheus from $from: $reason', ({ from, answer, ...expected }) => {
    expect(told(ruleOf('prometheus'), from, answer)).toEqual(expected);
  });

  test('of prometheus over a range counts datapoints as that of other kinds', () => {
    const rule = ruleOf('prometheus', periods);
    expect(told(rule, 'ok', vector())).toEqual({
      reason: '3 datapoints are unknown',
      reasonData: data('unknown', 3, 'null'),
    });
    expect(told(rule, 'ok', rows(99, 98)).reason).toBe('3 datapoints are unknown');
    expect(told(rule, 'ok', rows(1, 97, 98, 99)).reason).toMatch(/^Transition to alarm due to 3 samples/);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Evaluation } from '../../../src/alarm/decide.js';
import type { Series } from '../../../src/alarm/series.js';
import { type ThresholdFindings } from '../../../src/alarm/types/threshold-judgement.js';
import { explainThreshold } from '../../../src/alarm/types/threshold-reason.js';
import { COMPARISON_OPERATORS } from '../../../src/alarm/types/threshold/schema.js';
import { threshold } from '../../../src/alarm/types/threshold/index.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import type { ThresholdRule } from '../../../src/alarm/types/threshold/schema.js';
import { aThresholdRule, evaluationInput, seriesOf } from '../../support/builders.js';

function evaluateThreshold(rule: ThresholdRule, series: Series): Evaluation<ThresholdFindings> {
  return threshold.evaluate(rule, evaluationInput(series));
}

const aboveEightyThrice = aThresholdRule({ evaluation_periods: 3 });

describe('the verdict', () => {
  test.each([
    { when: 'every value is outside', values: [91, 95, 99], verdict: 'alarm' },
    { when: 'no value is outside', values: [1, 2, 80], verdict: 'ok' },
    { when: 'the last of a mixture is outside', values: [1, 95, 99], verdict: 'trending alarm' },
    { when: 'the last of a mixture is inside', values: [91, 95, 40], verdict: 'trending ok' },
    { when: 'a period is missing', values: [91, 95], verdict: 'insufficient data' },
    { when: 'there is nothing', values: [], verdict: 'insufficient data' },
    { when: 'older periods than needed disagree', values: [1, 1, 91, 95, 99], verdict: 'alarm' },
    { when: 'a value is no number', values: [91, NaN, 99], verdict: 'insufficient data' },
    {
      when: 'the newest value is no number, and the older ones are enough',
      values: [91, 95, 97, NaN],
      verdict: 'insufficient data',
    },
    { when: 'a value is no number, and an older one is left', values: [91, 95, NaN, 99], verdict: 'insufficient data' },
    { when: 'a value that is too old to count is no number', values: [NaN, 91, 95, 99], verdict: 'alarm' },
    { when: 'a value is infinite', values: [91, Infinity, 99], verdict: 'alarm' },
    { when: 'all values are infinite downwards', values: [-Infinity, -Infinity, -Infinity], verdict: 'ok' },
    { when: 'the newest value is infinite downwards', values: [91, 99, -Infinity], verdict: 'trending ok' },
  ])('is $verdict when $when', ({ values, verdict }) => {
    expect(evaluateThreshold(aboveEightyThrice, seriesOf(values)).verdict).toBe(verdict);
  });

  test.each([
    ['gt', 79, 'ok'],
    ['gt', 80, 'ok'],
    ['gt', 81, 'alarm'],
    ['ge', 79, 'ok'],
    ['ge', 80, 'alarm'],
    ['lt', 79, 'alarm'],
    ['lt', 80, 'ok'],
    ['le', 80, 'alarm'],
    ['le', 81, 'ok'],
    ['eq', 80, 'alarm'],
    ['eq', 81, 'ok'],
    ['ne', 80, 'ok'],
    ['ne', 81, 'alarm'],
    ['gt', Infinity, 'alarm'],
    ['gt', -Infinity, 'ok'],
    ['ge', Infinity, 'alarm'],
    ['ge', -Infinity, 'ok'],
    ['lt', Infinity, 'ok'],
    ['lt', -Infinity, 'alarm'],
    ['le', Infinity, 'ok'],
    ['le', -Infinity, 'alarm'],
    ['eq', Infinity, 'ok'],
    ['eq', -Infinity, 'ok'],
    ['ne', Infinity, 'alarm'],
    ['ne', -Infinity, 'alarm'],
  ] as const)('with %s 80 of %d is %s', (comparison_operator, value, verdict) => {
    expect(evaluateThreshold(aThresholdRule({ comparison_operator }), seriesOf([value])).verdict).toBe(verdict);
  });

  test('is of the statistic that the rule names', () => {
    const series = seriesOf([99], { statistic: 'max' });
    expect(evaluateThreshold(aThresholdRule({ statistic: 'max' }), series).verdict).toBe('alarm');
    expect(evaluateThreshold(aThresholdRule({ statistic: 'min' }), series).verdict).toBe('insufficient data');
    expect(evaluateThreshold(aThresholdRule({ statistic: 'count', threshold: 0 }), series).verdict).toBe('alarm');
  });

  test('depends on the last periods only, and on each of them', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 12 });
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(...COMPARISON_OPERATORS),
        (all, evaluation_periods, comparison_operator) => {
          const rule = aThresholdRule({ evaluation_periods, comparison_operator, threshold: 0 });
          const { verdict, findings } = evaluateThreshold(rule, seriesOf(all));
          expect(evaluateThreshold(rule, seriesOf(all.slice(-evaluation_periods))).verdict).toBe(verdict);
          const expected =
            all.length < evaluation_periods
              ? ['insufficient data']
              : findings.outside === 0
                ? ['ok']
                : findings.outside === evaluation_periods
                  ? ['alarm']
                  : ['trending ok', 'trending alarm'];
          expect(expected).toContain(verdict);
        },
      ),
    );
  });
});

describe('periods with an unusual number of samples', () => {
  const counts = [10, 10, 10, 10, 10, 10, 10, 100];
  const values = [1, 1, 1, 1, 91, 92, 93, 5];

  test('are left out if the rule excludes outliers', () => {
    const rule = aThresholdRule({ evaluation_periods: 3, exclude_outliers: true });
    expect(evaluateThreshold(rule, seriesOf(values, { counts }))).toMatchObject({
      verdict: 'alarm',
      findings: { values: [91, 92, 93] },
    });
  });

  test('are compared if it does not', () => {
    const rule = aThresholdRule({ evaluation_periods: 3 });
    expect(evaluateThreshold(rule, seriesOf(values, { counts })).verdict).toBe('trending ok');
  });

  test('are those beyond two population standard deviations of the mean, the bounds included', () => {
    // Mean 14, deviation 8 (population): 30 is exactly two away.
    const onTheBound = [10, 10, 10, 10, 30];
    const rule = aThresholdRule({ evaluation_periods: 5, exclude_outliers: true });
    expect(
      evaluateThreshold(rule, seriesOf([91, 92, 93, 94, 95], { counts: onTheBound })).findings.values,
    ).toHaveLength(5);
  });

  test('do not exist among equal ones, one or none', () => {
    const rule = aThresholdRule({ exclude_outliers: true });
    expect(evaluateThreshold(rule, seriesOf([91, 92], { counts: [7, 7] })).verdict).toBe('alarm');
    expect(evaluateThreshold(rule, seriesOf([91], { counts: [3] })).verdict).toBe('alarm');
    expect(evaluateThreshold(rule, []).verdict).toBe('insufficient data');
  });
});

describe('the reason', () => {
  test.each([
    {
      of: 'an alarm',
      values: [91, 95, 99.5],
      state: 'alarm',
      remaining: false,
      reason: 'Transition to alarm due to 3 samples outside threshold, most recent: 99.5',
      data: '{"type": "threshold", "disposition": "outside", "count": 3, "most_recent": 99.5}',
    },
    {
      of: 'all being well',
      values: [1, 2, 85 - 5],
      state: 'ok',
      remaining: false,
      reason: 'Transition to ok due to 3 samples inside threshold, most recent: 80.0',
      data: '{"type": "threshold", "disposition": "inside", "count": 3, "most_recent": 80.0}',
    },
    {
      of: 'a trend towards alarm',
      values: [1, 2, 99],
      state: 'alarm',
      remaining: false,
      reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 99.0',
      data: '{"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 99.0}',
    },
    {
      of: 'an alarm that repeats while values disagree',
      values: [1, 99, 2],
      state: 'alarm',
      remaining: true,
      reason: 'Remaining as alarm due to 1 samples outside threshold, most recent: 2.0',
      data: '{"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 2.0}',
    },
    {
      of: 'a repeated ok',
      values: [1, 99, 2],
      state: 'ok',
      remaining: true,
      reason: 'Remaining as ok due to 2 samples inside threshold, most recent: 2.0',
      data: '{"type": "threshold", "disposition": "inside", "count": 2, "most_recent": 2.0}',
    },
    {
      of: 'data that went missing',
      values: [7],
      state: 'insufficient data',
      remaining: false,
      reason: '3 datapoints are unknown',
      data: '{"type": "threshold", "disposition": "unknown", "count": 3, "most_recent": 7.0}',
    },
    {
      of: 'no data at all',
      values: [],
      state: 'insufficient data',
      remaining: false,
      reason: '3 datapoints are unknown',
      data: '{"type": "threshold", "disposition": "unknown", "count": 3, "most_recent": null}',
    },
    {
      of: 'data that is still missing',
      values: [],
      state: 'insufficient data',
      remaining: true,
      reason: 'Remaining as insufficient data due to 0 samples outside threshold, most recent: None',
      data: '{"type": "threshold", "disposition": "outside", "count": 0, "most_recent": null}',
    },
    {
      of: 'data that is still missing, after a last value',
      values: [95],
      state: 'insufficient data',
      remaining: true,
      reason: 'Remaining as insufficient data due to 0 samples outside threshold, most recent: 95.0',
      data: '{"type": "threshold", "disposition": "outside", "count": 0, "most_recent": 95.0}',
    },
  ] as const)('of $of is $reason', ({ values, state, remaining, reason, data }) => {
    const { findings } = evaluateThreshold(aboveEightyThrice, seriesOf(values));
    const explained = explainThreshold(findings, state, remaining);
    expect(explained.reason).toBe(reason);
    expect(pythonJson(explained.reasonData)).toBe(data);
  });
});

describe('the kind threshold', () => {
  test('writes its rule in the order of Aodh, the threshold as a float', () => {
    const rule = threshold.schema.parse({
      query: [{ value: 'r1', field: 'resource_id' }],
      threshold: 300,
      meter_name: 'cpu',
    });
    expect(threshold.ruleJson(rule)).toBe(
      '{"period": 60, "comparison_operator": "eq", "threshold": 300.0, "statistic": "avg", "evaluation_periods": 1, ' +
        '"meter_name": "cpu", "exclude_outliers": false, "query": [{"field": ' +
        '"resource_id", "op": "eq", "value": "r1", "type": ""}]}',
    );
  });

  test('has a default description', () => {
    expect(threshold.defaultDescription(aThresholdRule({ threshold: 300 }))).toBe(
      'Alarm when cpu_util is gt a avg of 300.0 over 60 seconds',
    );
  });
});

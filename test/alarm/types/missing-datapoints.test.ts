import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { ALARM_STATES, type AlarmState } from '../../../src/alarm/state.js';
import { decide, type Verdict } from '../../../src/alarm/decide.js';
import { MISSING_DATA_TREATMENTS } from '../../../src/alarm/evaluation-options.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import type { BackendAnswer } from '../../../src/alarm/series.js';
import { evaluatedTypeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import {
  judgeThreshold,
  type DatapointSelection,
  type ThresholdCondition,
} from '../../../src/alarm/types/threshold-judgement.js';
import { explainThreshold } from '../../../src/alarm/types/threshold-reason.js';
import { COMPARISON_OPERATORS } from '../../../src/alarm/types/threshold/schema.js';
import { expectedOf, type Place } from '../../datasource/malformed/oracle.js';
import { evaluationInput } from '../../support/builders.js';

const ABOVE_80: ThresholdCondition = { comparison_operator: 'gt', threshold: 80 };
const MISSING = undefined;
const [HIGH, LOW] = [99, 10];

function answerOf(...series: (readonly Place[])[]): BackendAnswer & { kind: 'series' } {
  const points = (places: readonly Place[]) =>
    places.map((value, index) => ({ at: index * 60_000, values: value === undefined ? {} : { value } }));
  return { kind: 'series', series: series.map(points) };
}

function selectionOf(required: number): DatapointSelection {
  return { required, statistic: 'value', withoutValues: 'No datapoint for granularity 60' };
}

describe('a missing datapoint is not replaced by an older one', () => {
  test.each<
    [places: readonly Place[], required: number, byDefault: Verdict, ok: Verdict, alarm: Verdict, ignore: Verdict]
  >([
    [[HIGH, MISSING], 1, 'insufficient data', 'ok', 'alarm', 'hold'],
    [[LOW, MISSING], 1, 'insufficient data', 'ok', 'alarm', 'hold'],
    [[MISSING, HIGH], 1, 'alarm', 'alarm', 'alarm', 'alarm'],
    [[HIGH, HIGH, MISSING], 2, 'insufficient data', 'trending ok', 'alarm', 'hold'],
    [[LOW, LOW, MISSING], 2, 'insufficient data', 'ok', 'trending alarm', 'hold'],
    [[HIGH, MISSING, HIGH], 2, 'insufficient data', 'trending alarm', 'alarm', 'hold'],
    [[LOW, MISSING, LOW], 2, 'insufficient data', 'ok', 'trending ok', 'hold'],
    [[MISSING, MISSING, MISSING], 2, 'insufficient data', 'ok', 'alarm', 'hold'],
    // If there are too few datapoints, the older ones are missing.
    [[MISSING], 2, 'insufficient data', 'ok', 'alarm', 'hold'],
    [[HIGH], 2, 'insufficient data', 'trending alarm', 'alarm', 'hold'],
    [[HIGH, NaN], 1, 'insufficient data', 'ok', 'alarm', 'hold'],
  ])('%p, of which %d are needed: %s, as ok %s, as alarm %s, ignored %s', (places, required, ...expected) => {
    const verdicts = MISSING_DATA_TREATMENTS.map((treat_missing_data) => {
      const context = { state: 'ok' as const, options: { treat_missing_data } };
      return judgeThreshold(ABOVE_80, answerOf(places), selectionOf(required), context).verdict;
    });
    expect(verdicts).toEqual(expected);
    const { verdict } = judgeThreshold(ABOVE_80, answerOf(places), selectionOf(required), { state: 'ok', options: {} });
    expect(verdict).toBe(expected[0]);
  });

  const number = fc.oneof(
    fc.constantFrom(Infinity, -Infinity, -1, 0, 0.5, 1),
    fc.double({ noNaN: true, min: -2, max: 2 }),
  );
  const place = fc.oneof({ weight: 3, arbitrary: number }, { weight: 1, arbitrary: fc.constant(MISSING) });
  const rule = fc.record({
    comparison_operator: fc.constantFrom(...COMPARISON_OPERATORS),
    threshold: fc.constantFrom(-1, 0, 0.5, 1),
    required: fc.integer({ min: 1, max: 5 }),
    treatment: fc.constantFrom(...MISSING_DATA_TREATMENTS),
    enough: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  });

  test(
    'an independent implementation gives the same verdict for any ' + 'series and option, and all numbers are compared',
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.array(place, { maxLength: 7 }), { minLength: 1, maxLength: 3 }),
          rule,
          fc.constantFrom<AlarmState>(...ALARM_STATES),
          (series, { required, treatment, enough, ...condition }, state) => {
            const options = {
              treat_missing_data: treatment,
              ...(enough !== undefined && { datapoints_to_alarm: Math.min(enough, required) }),
            };
            const expected = expectedOf(
              { ...condition, required, treatment, enough: enough && Math.min(enough, required) },
              { series },
            );
            const { verdict, findings } = judgeThreshold(condition, answerOf(...series), selectionOf(required), {
              state,
              options,
            });
            expect({ verdict, values: findings.values }).toEqual(expected);
          },
        ),
        { numRuns: 5_000 },
      );
    },
  );
});

describe('the reason for a missing datapoint', () => {
  const told = (places: readonly Place[], required: number, state: AlarmState) => {
    const evaluation = judgeThreshold(ABOVE_80, answerOf(places), selectionOf(required), { state, options: {} });
    const decision = decide({ state, repeatActions: false }, evaluation, {
      explain: explainThreshold,
      repeatsWhileUnknown: true,
    });
    return decision.kind === 'stay' ? 'nothing' : `${decision.reason} | ${pythonJson(decision.reasonData)}`;
  };
  const data = (disposition: string, count: number, last: string) =>
    `{"type": "threshold", "disposition": "${disposition}", "count": ${count}, "most_recent": ${last}}`;

  test.each<[what: string, places: readonly Place[], required: number, reason: string, reasonData: string]>([
    ['no row', [], 1, 'No datapoint for granularity 60', data('unknown', 1, 'null')],
    ['a row without a number', [HIGH, MISSING], 1, '1 datapoints are unknown', data('unknown', 1, 'null')],
    [
      'a number before one that is none',
      [HIGH, LOW, MISSING],
      2,
      '2 datapoints are unknown',
      data('unknown', 2, '10.0'),
    ],
    [
      'infinity',
      [LOW, Infinity],
      1,
      'Transition to alarm due to 1 samples outside threshold, most recent: inf',
      data('outside', 1, 'null'),
    ],
  ])('%s', (_, places, required, reason, reasonData) => {
    expect(told(places, required, 'ok')).toBe(`${reason} | ${reasonData}`);
    expect(() => JSON.parse(reasonData) as unknown).not.toThrow();
  });

  test('names an infinite value below the threshold', () => {
    const [reason, reasonData = ''] = told([HIGH, -Infinity], 1, 'alarm').split(' | ');
    expect(reason).toBe('Transition to ok due to 1 samples inside threshold, most recent: -inf');
    expect(JSON.parse(reasonData)).toMatchObject({ most_recent: null });
  });
});

describe('a composite rule', () => {
  const leaf = { ...ABOVE_80, type: 'prometheus' as const, query: 'up', scope_to_project: null };
  const rule: AlarmRule = { type: 'composite', tree: { or: [leaf, leaf] } };

  test.each<[first: Place, second: Place, verdict: Verdict]>([
    [Infinity, LOW, 'alarm'],
    [-Infinity, LOW, 'ok'],
    [MISSING, LOW, 'insufficient data'],
    [MISSING, Infinity, 'alarm'],
  ])('with one part that finds %p and another that finds %p is %s', (first, second, verdict) => {
    const input = { ...evaluationInput([]), answers: [answerOf([first]), answerOf([second])], state: 'ok' as const };
    expect(evaluatedTypeOf(rule).evaluate(rule, input).verdict).toBe(verdict);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { ALARM_STATES, type AlarmState } from '../../../src/alarm/state.js';
import { decide, type Verdict } from '../../../src/alarm/decide.js';
import { MISSING_DATA_TREATMENTS, type EvaluationOptions } from '../../../src/alarm/evaluation-options.js';
import type { BackendAnswer } from '../../../src/alarm/series.js';
import { judgeThreshold, judgeValues, type DatapointSelection } from '../../../src/alarm/types/threshold-judgement.js';
import { explainThreshold } from '../../../src/alarm/types/threshold-reason.js';
import { noOptionAllowed, thresholdOptionProblem } from '../../../src/alarm/types/option-problems.js';
import { COMPARISON_OPERATORS, type ComparisonOperator } from '../../../src/alarm/types/threshold/schema.js';
import { seriesOf } from '../../support/builders.js';

const ABOVE_80 = { comparison_operator: 'gt', threshold: 80 } as const;
const UNKNOWN = 'insufficient data';

function selectionOf(required: number): DatapointSelection {
  return { required, statistic: 'value' };
}

function answerOf(...series: (readonly number[])[]): BackendAnswer {
  return { kind: 'series', series: series.map((values) => seriesOf(values, { statistic: 'value' })) };
}

function judge(answer: BackendAnswer, required: number, options: EvaluationOptions = {}, state: AlarmState = 'ok') {
  return judgeThreshold(ABOVE_80, answer, selectionOf(required), { state, options });
}

/** One letter for each datapoint, oldest first: `o` is outside the threshold, `i` inside. */
function valuesOf(letters: string): number[] {
  return [...letters].map((letter) => (letter === 'o' ? 99 : 1));
}

describe('M of N datapoints', () => {
  test.each<[letters: string, enough: number, missing: Verdict, ok: Verdict, alarm: Verdict, ignore: Verdict]>([
    ['ooo', 2, 'alarm', 'alarm', 'alarm', 'alarm'],
    ['ooi', 2, 'alarm', 'alarm', 'alarm', 'alarm'],
    ['oii', 2, 'ok', 'ok', 'ok', 'ok'],
    ['iio', 1, 'alarm', 'alarm', 'alarm', 'alarm'],
    ['iii', 1, 'ok', 'ok', 'ok', 'ok'],
    ['ooi', 3, 'ok', 'ok', 'ok', 'ok'],
    // One of three is missing.
    ['oo', 2, 'alarm', 'alarm', 'alarm', 'alarm'],
    ['oi', 2, UNKNOWN, 'ok', 'alarm', 'hold'],
    ['ii', 2, 'ok', 'ok', 'ok', 'ok'],
    ['ii', 1, UNKNOWN, 'ok', 'alarm', 'hold'],
    // Two of three are.
    ['o', 1, 'alarm', 'alarm', 'alarm', 'alarm'],
    ['o', 2, UNKNOWN, 'ok', 'alarm', 'hold'],
    ['i', 2, UNKNOWN, 'ok', 'alarm', 'hold'],
    ['i', 3, 'ok', 'ok', 'ok', 'ok'],
    ['', 1, UNKNOWN, 'ok', 'alarm', 'hold'],
    ['', 3, UNKNOWN, 'ok', 'alarm', 'hold'],
  ])('%j of three with %d to alarm: missing %s, ok %s, alarm %s, ignore %s', (letters, enough, ...expected) => {
    const verdicts = MISSING_DATA_TREATMENTS.map((treat_missing_data) => {
      const options = { datapoints_to_alarm: enough, treat_missing_data };
      return judgeValues(ABOVE_80, valuesOf(letters), 3, { state: 'ok', options }).verdict;
    });
    expect(verdicts).toEqual(expected);
  });

  const letters = fc.string({ unit: fc.constantFrom('o', 'i'), maxLength: 5 });

  test('are decided exactly if no value of the missing ones could change the verdict', () => {
    fc.assert(
      fc.property(letters, fc.integer({ min: 1, max: 5 }), (seen, enough) => {
        const options = { datapoints_to_alarm: enough };
        const { verdict } = judgeValues(ABOVE_80, valuesOf(seen), 5, { state: 'ok', options });
        const completed = completions(seen, 5).map((all) =>
          [...all].filter((one) => one === 'o').length >= enough ? 'alarm' : 'ok',
        );
        const [first, ...others] = completed;
        expect(verdict).toBe(others.every((one) => one === first) ? first : UNKNOWN);
      }),
    );
  });

  test('if all must be outside and none is missing, the verdict is Aodh’s except for trends', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('o', 'i'), minLength: 4, maxLength: 4 }), (seen) => {
        const verdictWith = (options: EvaluationOptions): Verdict =>
          judgeValues(ABOVE_80, valuesOf(seen), 4, { state: 'ok', options }).verdict;
        const aodh = verdictWith({});
        expect(verdictWith({ datapoints_to_alarm: 4 })).toBe(aodh.startsWith('trending') ? 'ok' : aodh);
      }),
    );
  });
});

function completions(seen: string, length: number): string[] {
  if (seen.length === length) return [seen];
  return ['o', 'i'].flatMap((one) => completions(seen + one, length));
}

describe('missing datapoints', () => {
  test.each<[letters: string, missing: Verdict, ok: Verdict, alarm: Verdict, ignore: Verdict]>([
    ['ooo', 'alarm', 'alarm', 'alarm', 'alarm'],
    ['iii', 'ok', 'ok', 'ok', 'ok'],
    ['oio', 'trending alarm', 'trending alarm', 'trending alarm', 'trending alarm'],
    ['oo', UNKNOWN, 'trending alarm', 'alarm', 'hold'],
    ['ii', UNKNOWN, 'ok', 'trending ok', 'hold'],
    ['oi', UNKNOWN, 'trending ok', 'trending ok', 'hold'],
    ['o', UNKNOWN, 'trending alarm', 'alarm', 'hold'],
    ['', UNKNOWN, 'ok', 'alarm', 'hold'],
  ])('of three, with %j there: missing %s, ok %s, alarm %s, ignore %s', (letters, ...expected) => {
    const verdicts = MISSING_DATA_TREATMENTS.map(
      (treat_missing_data) => judge(answerOf(valuesOf(letters)), 3, { treat_missing_data }).verdict,
    );
    expect(verdicts).toEqual(expected);
  });

  test.each<[when: string, answer: BackendAnswer, missing: Verdict, ok: Verdict, alarm: Verdict, ignore: Verdict]>([
    ['no series', answerOf(), UNKNOWN, 'ok', 'alarm', 'hold'],
    ['no such metric', { kind: 'absent', reason: 'gone' }, UNKNOWN, 'ok', 'alarm', 'hold'],
    ['a query that is never answered', { kind: 'refused', reason: 'no' }, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ['an unavailable backend', { kind: 'outage', reason: 'no' }, 'outage', 'outage', 'outage', 'outage'],
  ])('are all with %s: missing %s', (_, answer, ...expected) => {
    expect(
      MISSING_DATA_TREATMENTS.map((treat_missing_data) => judge(answer, 1, { treat_missing_data }).verdict),
    ).toEqual(expected);
  });

  test('that were counted are part of the reason', () => {
    const { findings } = judge(answerOf([99]), 3, { treat_missing_data: 'alarm' });
    expect(explainThreshold(findings, 'alarm', false).reason).toBe(
      'Transition to alarm due to 1 samples outside threshold, most ' +
        'recent: 99.0, missing datapoints counted as alarm: 2',
    );
    const many = judge(answerOf([99], [98, 97]), 3, { treat_missing_data: 'alarm' });
    expect(explainThreshold(many.findings, 'alarm', false).reason).toContain('missing datapoints counted as alarm: 3');
  });
});

describe('a clear threshold of 60 beside one of 80', () => {
  const options = { clear_threshold: 60 };

  test.each<[values: number[], unknown: Verdict, ok: Verdict, alarm: Verdict]>([
    [[99, 99], 'alarm', 'alarm', 'alarm'],
    [[70, 70], 'ok', 'ok', 'alarm'],
    [[60, 60], 'ok', 'ok', 'ok'],
    [[50, 50], 'ok', 'ok', 'ok'],
    [[99, 70], 'trending ok', 'trending ok', 'alarm'],
    [[70, 50], 'ok', 'ok', 'trending ok'],
  ])('with %j: %s for an alarm without a state, %s for one that is ok, %s in alarm', (values, ...expected) => {
    const verdicts = ([UNKNOWN, 'ok', 'alarm'] as const).map(
      (state) => judge(answerOf(values), 2, options, state).verdict,
    );
    expect(verdicts).toEqual(expected);
  });

  test('lets an alarm come and go once while values swing between the two', () => {
    let state: AlarmState = 'ok';
    const states = [70, 81, 79, 81, 61, 79, 60, 79, 80, 81].map((value) => {
      const { verdict } = judge(answerOf([value]), 1, options, state);
      return (state = verdict as AlarmState);
    });
    expect(states.join(' ')).toBe('ok alarm alarm alarm alarm alarm ok ok ok alarm');
  });

  test('works downwards, too', () => {
    const below = { comparison_operator: 'lt', threshold: 10 } as const;
    const at = (value: number, state: AlarmState): Verdict =>
      judgeValues(below, [value], 1, { state, options: { clear_threshold: 20 } }).verdict;
    expect([at(15, 'ok'), at(9, 'ok'), at(15, 'alarm'), at(20, 'alarm')]).toEqual(['ok', 'alarm', 'alarm', 'ok']);
  });
});

describe('several series', () => {
  test.each<[when: string, series: number[][], required: number, options: EvaluationOptions, verdict: Verdict]>([
    ['all outside', [[99], [98]], 1, {}, 'alarm'],
    ['none outside', [[1], [2]], 1, {}, 'ok'],
    ['the last outside', [[1], [99]], 1, {}, 'trending alarm'],
    ['the last inside', [[99], [1]], 1, {}, 'trending ok'],
    [
      'one trends',
      [
        [99, 99],
        [1, 99],
      ],
      2,
      {},
      'trending alarm',
    ],
    ['one is too short and stands aside', [[99, 99], [1]], 2, {}, 'alarm'],
    ['all are too short', [[99], [1]], 2, {}, UNKNOWN],
    ['all are too short and are to be ignored', [[99], [1]], 2, { treat_missing_data: 'ignore' }, 'hold'],
    ['one is too short and is filled', [[99, 99], [1]], 2, { treat_missing_data: 'ok' }, 'trending ok'],
    [
      'one has no points in the window, which is as if it were not there',
      [[99, 99], []],
      2,
      { treat_missing_data: 'ok' },
      'alarm',
    ],
    ['none has points in the window', [[], []], 2, { treat_missing_data: 'alarm' }, 'alarm'],
    [
      'one has enough outside, one not',
      [
        [99, 1, 99],
        [1, 1, 1],
      ],
      3,
      { datapoints_to_alarm: 2 },
      'trending ok',
    ],
    [
      'each has enough outside',
      [
        [99, 1, 99],
        [99, 99, 1],
      ],
      3,
      { datapoints_to_alarm: 2 },
      'alarm',
    ],
  ])('of which %s: %j', (_, series, required, options, verdict) => {
    expect(judge(answerOf(...series), required, options).verdict).toBe(verdict);
  });
});

test.each(MISSING_DATA_TREATMENTS)(
  'a series of which a wider window alone has points is judged as if it were not there: missing counts as %s',
  (treat_missing_data) => {
    for (const letters of ['oo', 'oi', 'o', '']) {
      const alone = letters === '' ? answerOf() : answerOf(valuesOf(letters));
      const widened = answerOf([], valuesOf(letters));
      expect(judge(widened, 2, { treat_missing_data })).toEqual(judge(alone, 2, { treat_missing_data }));
    }
  },
);

describe('without options', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -2, max: 2 });
  const condition = fc.record({
    comparison_operator: fc.constantFrom<ComparisonOperator>(...COMPARISON_OPERATORS),
    threshold: fc.constantFrom(-1, 0, 0.5, 1),
  });

  /** Aodh's rule: all compared values agree, or the last one gives a trend. */
  function aodh(
    values: readonly number[],
    { comparison_operator: op, threshold }: { comparison_operator: ComparisonOperator; threshold: number },
  ): Verdict {
    const compared = values.map((value) => {
      if (op === 'gt') return value > threshold;
      if (op === 'lt') return value < threshold;
      if (op === 'ge') return value >= threshold;
      if (op === 'le') return value <= threshold;
      return op === 'eq' ? value === threshold : value !== threshold;
    });
    if (compared.every(Boolean)) return 'alarm';
    if (!compared.some(Boolean)) return 'ok';
    return compared.at(-1) === true ? 'trending alarm' : 'trending ok';
  }

  test('one series is judged as Aodh judges the newest values of it, in any state', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(number, fc.constantFrom(-1, 0, 0.5, 1)), { maxLength: 8 }),
        fc.integer({ min: 1, max: 5 }),
        condition,
        fc.constantFrom(...ALARM_STATES),
        (values, required, rule, state) => {
          const { verdict, findings } = judgeThreshold(rule, answerOf(values), selectionOf(required), {
            state,
            options: {},
          });
          expect(verdict).toBe(values.length < required ? UNKNOWN : aodh(values.slice(-required), rule));
          expect(findings.values).toEqual(values.slice(-required));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('series of one value are judged as Aodh judges the answer to a PromQL query', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 6 }), condition, (values, rule) => {
        const answer = answerOf(...values.map((value) => [value]));
        const { verdict } = judgeThreshold(rule, answer, selectionOf(1), { state: 'ok', options: {} });
        expect(verdict).toBe(aodh(values, rule));
      }),
      { numRuns: 1000 },
    );
  });

  test('the treatment `missing` is the default', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(1, 99), { maxLength: 4 }), (values) => {
        expect(judge(answerOf(values), 3, { treat_missing_data: 'missing' })).toEqual(judge(answerOf(values), 3));
      }),
    );
  });
});

describe('an option', () => {
  test.each<[operator: ComparisonOperator, periods: number, options: EvaluationOptions, problem: string | undefined]>([
    ['gt', 3, {}, undefined],
    ['gt', 3, { datapoints_to_alarm: 3 }, undefined],
    [
      'gt',
      3,
      { datapoints_to_alarm: 4 },
      'datapoints_to_alarm must not be greater than evaluation_periods, which is 3',
    ],
    ['gt', 1, { clear_threshold: 80 }, undefined],
    ['gt', 1, { clear_threshold: 79 }, undefined],
    ['ge', 1, { clear_threshold: 81 }, 'clear_threshold must not be greater than the threshold, which is 80'],
    ['lt', 1, { clear_threshold: 81 }, undefined],
    ['le', 1, { clear_threshold: 79 }, 'clear_threshold must not be less than the threshold, which is 80'],
    ['eq', 1, { clear_threshold: 80 }, 'clear_threshold makes no sense with comparison_operator eq'],
    ['ne', 1, { clear_threshold: 1 }, 'clear_threshold makes no sense with comparison_operator ne'],
    ['eq', 1, { treat_missing_data: 'ok', ingestion_lag: 60, backend: 'x' }, undefined],
  ])('of a rule with %s 80 over %d: %j', (comparison_operator, periods, options, problem) => {
    const found = thresholdOptionProblem({ comparison_operator, threshold: 80 }, periods, options);
    expect(found && `${found.option} ${found.message}`).toBe(problem);
  });

  test('is accepted by no kind that compares nothing', () => {
    expect(noOptionAllowed({}, 'event')).toBeUndefined();
    expect(noOptionAllowed({ backend: 'x' }, 'event')).toEqual({
      option: 'backend',
      message: 'cannot be used with alarms of type event',
    });
  });
});

describe('the decision', () => {
  const explainer = { explain: explainThreshold, repeatsWhileUnknown: true };

  test.each<[state: AlarmState, answer: BackendAnswer, options: EvaluationOptions, decision: string]>([
    ['ok', answerOf([99]), { treat_missing_data: 'ignore' }, 'repeat ok'],
    ['alarm', answerOf([1]), { treat_missing_data: 'ignore' }, 'repeat alarm'],
    [UNKNOWN, answerOf([]), { treat_missing_data: 'ignore' }, `repeat ${UNKNOWN}`],
    ['alarm', { kind: 'outage', reason: 'no' }, {}, 'stay'],
    [UNKNOWN, { kind: 'outage', reason: 'no' }, {}, 'stay'],
    ['alarm', { kind: 'refused', reason: 'no' }, { treat_missing_data: 'ignore' }, `transition ${UNKNOWN}`],
    ['alarm', { kind: 'absent', reason: 'no' }, { treat_missing_data: 'ok' }, 'transition ok'],
  ])('for an alarm that is %s and repeats, from %j with %j: %s', (state, answer, options, expected) => {
    const decision = decide({ state, repeatActions: true }, judge(answer, 2, options, state), explainer);
    const to = decision.kind === 'transition' ? decision.to : decision.kind === 'repeat' ? decision.state : '';
    expect(`${decision.kind} ${to}`.trim()).toBe(expected);
  });

  test('of an alarm that does not repeat is to stay', () => {
    const held = judge(answerOf([99]), 2, { treat_missing_data: 'ignore' }, 'alarm');
    expect(decide({ state: 'alarm', repeatActions: false }, held, explainer)).toEqual({ kind: 'stay' });
  });
});

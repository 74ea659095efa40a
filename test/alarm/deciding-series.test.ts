import { describe, expect, test } from '@jest/globals';

import {
  decidingSeries,
  joinedSeries,
  seriesKeys,
  type JudgedSeriesOfAnswer,
} from '../../src/alarm/deciding-series.js';
import type { Verdict } from '../../src/alarm/decide.js';
import type { BackendAnswer, Point } from '../../src/alarm/series.js';
import type { AlarmState } from '../../src/alarm/state.js';
import { evaluatedTypeOf, type AlarmRule } from '../../src/alarm/types/index.js';
import { pythonJson } from '../../src/alarm/wire/python-json.js';

const series = (host: string, verdict: Verdict, value: number | undefined = 1): JudgedSeriesOfAnswer => ({
  labels: { host },
  value,
  verdict,
});

const MIXED = [
  series('a', 'alarm'),
  series('b', 'ok'),
  series('c', 'trending alarm'),
  series('d', 'trending ok'),
  series('e', 'insufficient data'),
  series('f', 'hold'),
];

describe('the series that a state is due to', () => {
  test.each<[AlarmState, string[]]>([
    ['alarm', ['a', 'c']],
    ['ok', ['b', 'd']],
    ['insufficient data', ['e', 'f']],
  ])('are, for %s, those with that verdict', (state, hosts) => {
    const { first, total } = decidingSeries(MIXED, state);
    expect([first.map(({ labels }) => labels['host']), total]).toEqual([hosts, hosts.length]);
  });

  test('are all series if an alarm keeps a state that none of them shows', () => {
    expect(decidingSeries([series('a', 'trending ok'), series('b', 'hold')], 'alarm').total).toBe(2);
  });

  test('are none if the answer has none', () => {
    expect(seriesKeys(decidingSeries([], 'insufficient data'))).toEqual({ series: [], series_total: 0 });
  });

  test('are those of all rules together, for several rules', () => {
    const one = decidingSeries([series('a', 'alarm')], 'alarm');
    expect(joinedSeries([undefined, one, one])).toMatchObject({ total: 2 });
    expect(joinedSeries([undefined, undefined])).toBeUndefined();
  });
});

describe('the keys of reason_data', () => {
  test('have at most 20 series, and the number of all', () => {
    const keys = seriesKeys(
      decidingSeries(
        Array.from({ length: 1_000 }, (_, index) => series(`h${index}`, 'alarm')),
        'alarm',
      ),
    );
    expect([keys.series.length, keys.series_total]).toEqual([20, 1_000]);
    expect(pythonJson(keys.series[19])).toBe('{"labels": {"host": "h19"}, "value": 1.0}');
  });

  test.each([
    ['letters', 'x'.repeat(300)],
    ['characters that are escaped', 'ü'.repeat(50)],
    ['quotes', '"'.repeat(150)],
  ])('have at most 4 KiB of series, of long labels of %s', (_, label) => {
    const keys = seriesKeys(
      decidingSeries(
        Array.from({ length: 20 }, (__, index) => series(`${label}${index}`, 'alarm')),
        'alarm',
      ),
    );
    expect(pythonJson(keys.series).length).toBeLessThanOrEqual(4_096);
    expect(pythonJson(keys.series).length).toBeGreaterThan(3_700);
    expect(keys.series_total).toBe(20);
  });

  test('leave out a series whose labels are too long, and have those after it', () => {
    const keys = seriesKeys(decidingSeries([series('x'.repeat(5_000), 'alarm'), series('b', 'alarm')], 'alarm'));
    expect(pythonJson({ ...keys })).toBe('{"series": [{"labels": {"host": "b"}, "value": 1.0}], "series_total": 2}');
  });

  test.each([
    ['no value', undefined],
    ['an infinite value', Infinity],
  ])('have null for %s', (_, value) => {
    const one = { labels: {}, value, verdict: 'alarm' } as const;
    expect(pythonJson(seriesKeys(decidingSeries([one], 'alarm')).series)).toBe('[{"labels": {}, "value": null}]');
  });
});

describe('the series of a rule', () => {
  const CONDITION = { comparison_operator: 'gt', threshold: 80 } as const;
  const PROMETHEUS: AlarmRule = { type: 'prometheus', query: 'up', ...CONDITION, scope_to_project: null };
  const at = (value: number): Point => ({ at: 0, values: { value } });

  function toldSeries(rule: AlarmRule, answers: BackendAnswer[], state: AlarmState): unknown {
    const type = evaluatedTypeOf(rule);
    const input = { answers, memberStates: new Map(), state: 'ok', options: {}, now: new Date(0) } as const;
    const { findings } = type.evaluate(rule, input);
    return type.explain(findings, state, false).series;
  }

  test('have the labels of the series that have points, whatever form the answer has', () => {
    const labels = [{ host: 'a', job: 5 }, { host: 'b' }, null, { ['__proto__']: 'x' }];
    const answer: BackendAnswer = { kind: 'series', series: [[at(90)], [], [at(70)], [at(95)]], labels };
    expect(toldSeries(PROMETHEUS, [answer], 'alarm')).toEqual({
      first: [
        { labels: { host: 'a' }, value: 90 },
        { labels: Object.fromEntries([['__proto__', 'x']]), value: 95 },
      ],
      total: 2,
    });
  });

  test('are unknown if the answer has no labels, or if there is no answer', () => {
    expect(toldSeries(PROMETHEUS, [{ kind: 'series', series: [[at(90)]] }], 'alarm')).toBeUndefined();
    expect(toldSeries(PROMETHEUS, [{ kind: 'refused', reason: 'no' }], 'insufficient data')).toBeUndefined();
  });

  test('are, for a composite rule, those of the rules that the state is due to', () => {
    const rule: AlarmRule = {
      type: 'composite',
      tree: { or: [PROMETHEUS, { ...PROMETHEUS, query: 'other' }] },
    };
    const answers: BackendAnswer[] = [
      { kind: 'series', series: [[at(1)]], labels: [{ host: 'a' }] },
      { kind: 'series', series: [[at(99)]], labels: [{ host: 'b' }] },
    ];
    expect(toldSeries(rule, answers, 'alarm')).toEqual({ first: [{ labels: { host: 'b' }, value: 99 }], total: 1 });
  });
});

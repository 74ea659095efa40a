import { beforeEach, expect, test } from '@jest/globals';

import type { BackendAnswer, SeriesNeed } from '../../src/alarm/series.js';
import { alarmTypes, typeOf } from '../../src/alarm/types/index.js';
import { judgeWithoutBackends } from '../../src/evaluator/judge.js';
import { OutageWatch } from '../../src/evaluator/outage-watch.js';

const GRACE = 180_000;
const RETRY = 8_000;
const alarm = { id: 'a', partition: 1, definitionVersion: 1 };
const turn = (ms: number): { now: Date; isRetry: boolean } => ({ now: new Date(ms), isRetry: false });
const retry = (ms: number): { now: Date; isRetry: boolean } => ({ now: new Date(ms), isRetry: true });
const idle = (): boolean => false;

let chance: number;
let watch: OutageWatch;
beforeEach(() => {
  chance = 0.5;
  watch = new OutageWatch({ graceMs: GRACE, retryAfterMs: RETRY, random: () => chance });
});

test('an alarm is judged without its backend when its trouble is as old as the grace, and then once a turn', () => {
  const judged = [
    turn(0),
    retry(8_000),
    turn(60_000),
    turn(GRACE - 1),
    retry(GRACE),
    retry(GRACE + 8_000),
    turn(240_000),
  ].map((look) => watch.recordUnavailable(alarm, look).isJudged);
  expect(judged).toEqual([false, false, false, false, true, false, true]);
});

test('a retry is not the first look that comes to something where its turn came to something already', () => {
  watch.recordUnavailable(alarm, turn(0));
  expect(watch.recordAnswered(alarm, retry(8_000))).toEqual({ isJudged: true, isFirst: true });
  watch.recordUnavailable(alarm, turn(60_000));
  watch.recordUnavailable(alarm, turn(60_000 + GRACE));
  expect(watch.recordAnswered(alarm, retry(70_000 + GRACE))).toEqual({ isJudged: true, isFirst: false });
  expect(watch.size).toBe(0);
});

test.each([
  [0, RETRY * 0.75],
  [0.5, RETRY],
  [0.999999, RETRY * 1.25],
])(
  'a retry comes, by chance %d, after %d ms, and all that were found in trouble together go together',
  (given, afterMs) => {
    chance = given;
    for (const id of ['a', 'b']) watch.recordUnavailable({ ...alarm, id }, turn(0));
    expect(watch.nextRetryMs()).toBe(Infinity); // in hand
    watch.end([1], 100);
    expect(watch.nextRetryMs()).toBeCloseTo(100 + afterMs, 0);
    expect(watch.takeDue(100 + afterMs - 1, idle)).toEqual([]);
    expect(watch.takeDue(101 + afterMs, idle).map(({ alarmId }) => alarmId)).toEqual(['a', 'b']);
    expect(watch.nextRetryMs()).toBe(Infinity);
  },
);

test('what a batch has in hand is not retried, and a retry that a turn has overtaken is no longer current', () => {
  watch.recordUnavailable(alarm, turn(0));
  watch.end([1], 0);
  expect(watch.takeDue(RETRY, () => true)).toEqual([]);
  expect(watch.nextRetryMs()).toBe(Infinity); // the batch that has it ends its wait
  watch.end([1], RETRY);
  const [taken] = watch.takeDue(2 * RETRY, idle);
  expect(watch.isCurrent(taken!)).toBe(true);
  watch.recordUnavailable(alarm, turn(60_000));
  expect(watch.isCurrent(taken!)).toBe(false);
  watch.begin([1]);
  watch.putBack([taken!], 60_000);
  expect(watch.nextRetryMs()).toBe(60_000 + RETRY);
});

test('forgotten are alarms that a turn did not find in an outage, those of lost partitions, and what was known before an edit', () => {
  watch.recordUnavailable(alarm, turn(0));
  watch.recordUnavailable({ ...alarm, id: 'b', partition: 2 }, turn(0));
  watch.recordUnavailable({ ...alarm, id: 'c', partition: 3 }, turn(0));
  watch.recordEvaluatedAll([1], new Date(60_000));
  watch.recordEvaluatedAll([3], new Date(0));
  watch.drop([2]);
  expect(watch.size).toBe(1);
  expect(watch.recordUnavailable({ ...alarm, id: 'c', partition: 3, definitionVersion: 2 }, turn(GRACE)).isJudged).toBe(
    false,
  );
});

test('only what could not be asked becomes unknown, in words that name the backend', () => {
  const rule = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1, comparison_operator: 'gt' });
  const [need] = typeOf(rule).seriesNeeded(rule, {}) as [SeriesNeed];
  const answered: BackendAnswer = { kind: 'series', series: [] };
  const unavailable: BackendAnswer = { kind: 'trouble', reason: 'no answer in time' };
  const needs = [need, need, { ...need, backend: 'east' }] as SeriesNeed[];
  const judged = { rule, needs, options: {}, state: 'ok', repeats: false } as const;
  const { answersInWindow, decision } = judgeWithoutBackends(judged, [unavailable, answered, unavailable], new Date(0));
  const reason = (backend: string): string =>
    `alarm statistics retrieval failed: the ${backend} cannot be asked: no answer in time`;
  expect(answersInWindow).toEqual([
    { kind: 'refused', reason: reason('prometheus backend'), standsForOutage: true },
    answered,
    { kind: 'refused', reason: reason('prometheus backend east'), standsForOutage: true },
  ]);
  expect(decision).toMatchObject({ kind: 'transition', to: 'insufficient data', reason: reason('prometheus backend') });
});

test('a composite alarm names the backend behind its unknown rules, once', () => {
  const leaf = { type: 'prometheus', query: 'up', threshold: 1 };
  const rule = alarmTypes.composite.schema.parse({ and: [leaf, { ...leaf, query: 'down' }] });
  const needs = typeOf(rule).seriesNeeded(rule, {});
  const unavailable: BackendAnswer = { kind: 'trouble', reason: 'no answer in time' };
  const judged = { rule, needs, options: {}, state: 'ok', repeats: false } as const;
  const { decision } = judgeWithoutBackends(judged, [unavailable, unavailable], new Date(0));
  expect(decision).toMatchObject({
    reason:
      'Composite rule alarm with composition form: (rule1 and rule2) transition to insufficient data, due to rules: rule1, rule2 ' +
      'state evaluated to unknown. (alarm statistics retrieval failed: the prometheus backend cannot be asked: no answer in time)',
  });
});

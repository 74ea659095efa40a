import { beforeEach, expect, test } from '@jest/globals';

import type { BackendAnswer, SeriesNeed } from '../../src/alarm/series.js';
import { alarmTypes, typeOf } from '../../src/alarm/types/index.js';
import { judgeWithoutBackends } from '../../src/evaluator/judge.js';
import { OutageWatch } from '../../src/evaluator/outage-watch.js';

const GRACE = 180_000;
const RETRY = 8_000;
const alarm = { id: 'a', partition: 1, definitionVersion: 1 };
const scheduled = (ms: number): { now: Date; isRetry: boolean } => ({ now: new Date(ms), isRetry: false });
const retry = (ms: number): { now: Date; isRetry: boolean } => ({ now: new Date(ms), isRetry: true });
const idle = (): boolean => false;

let chance: number;
let watch: OutageWatch;
beforeEach(() => {
  chance = 0.5;
  watch = new OutageWatch({ graceMs: GRACE, retryAfterMs: RETRY, random: () => chance });
});

test(
  'an alarm is judged without its backend when its outage is as ' + 'old as the grace, once per scheduled evaluation',
  () => {
    const judged = [
      scheduled(0),
      retry(8_000),
      scheduled(60_000),
      scheduled(GRACE - 1),
      retry(GRACE),
      retry(GRACE + 8_000),
      scheduled(240_000),
    ].map((pass) => watch.recordUnavailable(alarm, pass));
    expect(judged).toEqual([false, false, false, false, true, false, true]);
  },
);

test('the result of a retry is not the first one if its scheduled evaluation had a result', () => {
  watch.recordUnavailable(alarm, scheduled(0));
  expect(watch.recordAnswered(alarm, retry(8_000))).toBe(true);
  watch.recordUnavailable(alarm, scheduled(60_000));
  watch.recordUnavailable(alarm, scheduled(60_000 + GRACE));
  expect(watch.recordAnswered(alarm, retry(70_000 + GRACE))).toBe(false);
  expect(watch.size).toBe(0);
});

test.each([
  [0, RETRY * 0.75],
  [0.5, RETRY],
  [0.999999, RETRY * 1.25],
])('with the random number %d a retry is due after %d ms, together with those of the same batch', (given, afterMs) => {
  chance = given;
  for (const id of ['a', 'b']) watch.recordUnavailable({ ...alarm, id }, scheduled(0));
  expect(watch.nextRetryMs()).toBe(Infinity); // in hand
  watch.end([1], 100);
  expect(watch.nextRetryMs()).toBeCloseTo(100 + afterMs, 0);
  expect(watch.takeDue(100 + afterMs - 1, idle)).toEqual([]);
  expect(watch.takeDue(101 + afterMs, idle).map(({ alarmId }) => alarmId)).toEqual(['a', 'b']);
  expect(watch.nextRetryMs()).toBe(Infinity);
});

test('an alarm in a batch is not retried, and a retry before a scheduled evaluation is not current any more', () => {
  watch.recordUnavailable(alarm, scheduled(0));
  watch.end([1], 0);
  expect(watch.takeDue(RETRY, () => true)).toEqual([]);
  expect(watch.nextRetryMs()).toBe(Infinity); // the batch that has it ends its wait
  watch.end([1], RETRY);
  const [taken] = watch.takeDue(2 * RETRY, idle);
  expect(watch.isCurrent(taken!)).toBe(true);
  watch.recordUnavailable(alarm, scheduled(60_000));
  expect(watch.isCurrent(taken!)).toBe(false);
  watch.begin([1]);
  watch.putBack([taken!], 60_000);
  expect(watch.nextRetryMs()).toBe(60_000 + RETRY);
});

test(
  'alarms that a scheduled evaluation does not find in an outage, of ' +
    'lost partitions, or before an edit are forgotten',
  () => {
    watch.recordUnavailable(alarm, scheduled(0));
    watch.recordUnavailable({ ...alarm, id: 'b', partition: 2 }, scheduled(0));
    watch.recordUnavailable({ ...alarm, id: 'c', partition: 3 }, scheduled(0));
    watch.recordEvaluatedAll([1], new Date(60_000));
    watch.recordEvaluatedAll([3], new Date(0));
    watch.drop([2]);
    expect(watch.size).toBe(1);
    expect(watch.recordUnavailable({ ...alarm, id: 'c', partition: 3, definitionVersion: 2 }, scheduled(GRACE))).toBe(
      false,
    );
  },
);

test('only the data of unavailable backends becomes unknown, with a reason that names the backend', () => {
  const rule = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1, comparison_operator: 'gt' });
  const [need] = typeOf(rule).seriesNeeded(rule, {}) as [SeriesNeed];
  const answered: BackendAnswer = { kind: 'series', series: [] };
  const unavailable: BackendAnswer = { kind: 'outage', reason: 'no answer in time' };
  const needs = [need, need, { ...need, backend: 'east' }] as SeriesNeed[];
  const judged = { rule, needs, options: {}, state: 'ok', repeats: false } as const;
  const { answersInWindow, decision } = judgeWithoutBackends(judged, [unavailable, answered, unavailable], new Date(0));
  const reason = (backend: string): string =>
    `alarm statistics retrieval failed: the ${backend} cannot be asked: no answer in time`;
  expect(answersInWindow).toEqual([
    { kind: 'lasting outage', reason: reason('prometheus backend') },
    answered,
    { kind: 'lasting outage', reason: reason('prometheus backend east') },
  ]);
  expect(decision).toMatchObject({ kind: 'transition', to: 'insufficient data', reason: reason('prometheus backend') });
});

test('the reason of a composite alarm names the backend of its unknown rules once', () => {
  const leaf = { type: 'prometheus', query: 'up', threshold: 1 };
  const rule = alarmTypes.composite.schema.parse({ and: [leaf, { ...leaf, query: 'down' }] });
  const needs = typeOf(rule).seriesNeeded(rule, {});
  const unavailable: BackendAnswer = { kind: 'outage', reason: 'no answer in time' };
  const judged = { rule, needs, options: {}, state: 'ok', repeats: false } as const;
  const { decision } = judgeWithoutBackends(judged, [unavailable, unavailable], new Date(0));
  expect(decision).toMatchObject({
    reason:
      'Composite rule alarm with composition form: (rule1 and rule2) ' +
      'transition to insufficient data, due to rules: rule1, rule2 ' +
      'state evaluated to unknown. (alarm statistics retrieval failed: the ' +
      'prometheus backend cannot be asked: no answer in time)',
  });
});

import { describe, expect, test } from '@jest/globals';

import { NOT_EVALUATED_YET, type AlarmState } from '../../src/alarm/state.js';
import { replacingReason, type ReasonWriter } from '../../src/alarm/decide.js';
import {
  differOnlyInNumbers,
  isProvisional,
  noBackendHint,
  notChecked,
  notEvaluated,
} from '../../src/alarm/state-reason.js';

describe('a provisional reason', () => {
  test.each([
    NOT_EVALUATED_YET,
    notChecked(['the prometheus backend cannot be asked: connection refused']),
    notEvaluated([noBackendHint('gnocchi', 'east')]),
    'time constraint nights never opens',
    'time constraint a\nb never opens; time constraint c never opens',
  ])('is recognised: %s', (reason) => expect(isProvisional(reason)).toBe(true));

  test.each([
    'Manually set via API',
    '1 datapoints are unknown',
    'Transition to ok due to 1 samples inside threshold, most recent: 5.0',
    'time constraint',
    'not evaluated',
    '',
  ])('is not any other reason: %s', (reason) => expect(isProvisional(reason)).toBe(false));
});

test('a reason names each cause once', () => {
  expect(notChecked(['a', 'b', 'a'])).toBe('not checked: a; b');
  expect(notEvaluated([noBackendHint('prometheus', null), noBackendHint('gnocchi', 'east')])).toBe(
    'not evaluated: no prometheus backend is configured (set prometheus.url); ' +
      'no gnocchi backend of the name east is configured (set gnocchi.others.east.url)',
  );
});

describe('reasons that differ only in numbers', () => {
  test.each([
    ['3 datapoints are unknown', '5 datapoints are unknown'],
    ['the query reads 10.5 of 7 series', 'the query reads 11 of 8 series'],
    ['for the match group {a="1"} on the left', 'for the match group {a="2", b="x"} on the left'],
    ['same', 'same'],
  ])('are %j and %j', (a, b) => expect(differOnlyInNumbers(a, b)).toBe(true));

  test.each([
    ['due to rules: rule1 state evaluated to unknown.', 'due to rules: rule2 state evaluated to unknown.'],
    ['it answered with status 500', 'it answered with status 502'],
    ['the query is not valid (HTTP 400)', 'the query is not valid (HTTP 422)'],
    ['Alarms 0b1c7d0e-0000-4000-8000-00000000000a', 'Alarms 0b1c7d0e-0000-4000-8001-00000000000a'],
    ['1 datapoints are unknown', 'datapoints are unknown'],
    ['on the left', 'on the right'],
  ])('are not %j and %j', (a, b) => expect(differOnlyInNumbers(a, b)).toBe(false));
});

describe('the reason that an evaluation gives for a state that stays', () => {
  const explainer: ReasonWriter<string> = {
    explain: (findings, state, remaining) => ({
      reason: `${remaining ? 'still ' : ''}${state}: ${findings}`,
      reasonData: {},
    }),
    repeatsWhileUnknown: true,
  };
  const replaced = (state: AlarmState, shownReason: string | null, findings: string, isReasonFound = false) =>
    replacingReason({ state, shownReason, isReasonFound }, { verdict: state, findings }, explainer);

  test.each<[AlarmState, string | null, string, string | undefined]>([
    ['insufficient data', NOT_EVALUATED_YET, 'no data', 'insufficient data: no data'],
    ['insufficient data', 'Manually set via API', 'no data', 'insufficient data: no data'],
    ['insufficient data', 'insufficient data: refused', 'no data', 'insufficient data: no data'],
    ['insufficient data', 'insufficient data: no data', 'no data', undefined],
    ['ok', NOT_EVALUATED_YET, 'fine', 'still ok: fine'],
    ['alarm', 'not checked: x', 'high', 'still alarm: high'],
    ['ok', null, 'fine', undefined],
    ['alarm', null, 'high', undefined],
  ])('in state %s, where %j is shown and %j found, is %j', (state, shown, found, reason) => {
    expect(replaced(state, shown, found)).toBe(reason);
  });

  test('is written again for other numbers only if the shown reason may be of an older definition', () => {
    expect(replaced('insufficient data', 'insufficient data: 3 of 5', '4 of 5', true)).toBeUndefined();
    expect(replaced('insufficient data', 'insufficient data: 3 of 5', '4 of 5', false)).toBe(
      'insufficient data: 4 of 5',
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { ALARM_STATES } from '../../src/alarm/state.js';
import { decide, type Verdict } from '../../src/alarm/decide.js';

const OK = 'ok';
const ALARM = 'alarm';
const UNKNOWN = 'insufficient data';
const VERDICTS: readonly Verdict[] = [OK, ALARM, UNKNOWN, 'trending ok', 'trending alarm'];

/** Its reason repeats the arguments, so that the table shows them. */
const explainer = {
  repeatsWhileUnknown: true,
  explain: (_: unknown, state: string, remaining: boolean) => ({
    reason: `${remaining ? 'remaining' : 'to'} ${state}`,
    reasonData: null,
  }),
};

function outcome(
  state: (typeof ALARM_STATES)[number],
  verdict: Verdict,
  repeatActions: boolean,
  repeatsWhileUnknown = true,
): string {
  const decision = decide({ state, repeatActions }, { verdict, findings: null }, { ...explainer, repeatsWhileUnknown });
  return decision.kind === 'stay' ? 'stay' : `${decision.kind}: ${decision.reason}`;
}

describe('the transition table', () => {
  test.each([
    [OK, OK, 'stay', 'repeat: remaining ok'],
    [OK, ALARM, 'transition: to alarm', 'transition: to alarm'],
    [OK, UNKNOWN, 'transition: to insufficient data', 'transition: to insufficient data'],
    [OK, 'trending ok', 'stay', 'repeat: remaining ok'],
    [OK, 'trending alarm', 'stay', 'repeat: remaining ok'],
    [ALARM, OK, 'transition: to ok', 'transition: to ok'],
    [ALARM, ALARM, 'stay', 'repeat: remaining alarm'],
    [ALARM, UNKNOWN, 'transition: to insufficient data', 'transition: to insufficient data'],
    [ALARM, 'trending ok', 'stay', 'repeat: remaining alarm'],
    [ALARM, 'trending alarm', 'stay', 'repeat: remaining alarm'],
    [UNKNOWN, OK, 'transition: to ok', 'transition: to ok'],
    [UNKNOWN, ALARM, 'transition: to alarm', 'transition: to alarm'],
    [UNKNOWN, UNKNOWN, 'stay', 'repeat: remaining insufficient data'],
    [UNKNOWN, 'trending ok', 'transition: to ok', 'transition: to ok'],
    [UNKNOWN, 'trending alarm', 'transition: to alarm', 'transition: to alarm'],
  ] as const)('in %s, evaluated as %s: %s; with repeat: %s', (state, verdict, once, repeating) => {
    expect(outcome(state, verdict, false)).toBe(once);
    expect(outcome(state, verdict, true)).toBe(repeating);
  });

  test('a kind that does not repeat while unknown repeats in all other states', () => {
    expect(outcome(UNKNOWN, UNKNOWN, true, false)).toBe('stay');
    expect(outcome(OK, OK, true, false)).toBe('repeat: remaining ok');
  });
});

test('a transition always changes the state, and starts from the present one', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ALARM_STATES),
      fc.constantFrom(...VERDICTS),
      fc.boolean(),
      (state, verdict, repeatActions) => {
        const decision = decide({ state, repeatActions }, { verdict, findings: null }, explainer);
        if (decision.kind !== 'transition') return;
        expect(decision.from).toBe(state);
        expect(decision.to).not.toBe(state);
      },
    ),
  );
});

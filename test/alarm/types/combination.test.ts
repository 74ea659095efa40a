import { describe, expect, test } from '@jest/globals';

import { decide } from '../../../src/alarm/decide.js';
import { evaluateCombination } from '../../../src/alarm/types/combination/evaluate.js';
import { combination } from '../../../src/alarm/types/combination/index.js';
import { aCombinationRule } from '../../support/builders.js';

const OK = 'ok';
const ALARM = 'alarm';
const UNKNOWN = 'insufficient data';
const GONE = undefined;

function statesOf(...states: (string | undefined)[]): Map<string, string> {
  return new Map(
    states.flatMap((state, index) => (state === undefined ? [] : [['abc'.charAt(index), state] as const])),
  );
}

describe('the verdict over a, b and c', () => {
  test.each([
    ['and', ALARM, ALARM, ALARM, ALARM, 'abc'],
    ['and', ALARM, OK, ALARM, OK, 'b'],
    ['and', OK, OK, OK, OK, 'abc'],
    ['and', ALARM, UNKNOWN, OK, UNKNOWN, 'b'],
    ['and', GONE, ALARM, UNKNOWN, UNKNOWN, 'ac'],
    ['and', GONE, GONE, GONE, UNKNOWN, 'abc'],
    ['or', OK, OK, OK, OK, 'abc'],
    ['or', OK, ALARM, OK, ALARM, 'b'],
    ['or', ALARM, UNKNOWN, OK, ALARM, 'a'],
    ['or', UNKNOWN, GONE, ALARM, ALARM, 'c'],
    ['or', OK, UNKNOWN, OK, UNKNOWN, 'b'],
    ['or', OK, OK, GONE, UNKNOWN, 'c'],
  ] as const)('%s of %s, %s, %s is %s', (operator, a, b, c, verdict, causes) => {
    const rule = aCombinationRule({ operator, alarm_ids: ['a', 'b', 'c'] });
    expect(evaluateCombination(rule, statesOf(a, b, c))).toEqual({ verdict, findings: { causes: [...causes] } });
  });
});

describe('what follows', () => {
  const rule = aCombinationRule({ operator: 'or', alarm_ids: ['a', 'b', 'c'] });

  test.each([
    {
      when: 'it rises',
      state: OK,
      members: statesOf(ALARM, OK, ALARM),
      expected: {
        kind: 'transition',
        from: OK,
        to: ALARM,
        reason: 'Transition to alarm due to alarms a,c in state alarm',
        reasonData: { type: 'combination', alarm_ids: ['a', 'c'] },
      },
    },
    {
      when: 'it stays, with repeat',
      state: ALARM,
      members: statesOf(OK, ALARM, OK),
      expected: {
        kind: 'repeat',
        state: ALARM,
        reason: 'Remaining as alarm due to alarms b in state alarm',
        reasonData: { type: 'combination', alarm_ids: ['b'] },
      },
    },
    {
      when: 'members are lost',
      state: OK,
      members: statesOf(OK, UNKNOWN, GONE),
      expected: {
        kind: 'transition',
        from: OK,
        to: UNKNOWN,
        reason: 'Alarms b,c are in unknown state',
        reasonData: { type: 'combination', alarm_ids: ['b', 'c'] },
      },
    },
    {
      when: 'they stay lost: nothing, even with repeat',
      state: UNKNOWN,
      members: statesOf(OK, GONE, GONE),
      expected: { kind: 'stay' },
    },
  ] as const)('when $when', ({ state, members, expected }) => {
    expect(decide({ state, repeatActions: true }, evaluateCombination(rule, members), combination)).toEqual(expected);
  });
});

describe('the rule', () => {
  test('drops duplicate ids, keeping the first, and is written as in Aodh', () => {
    const rule = combination.schema.parse({ alarm_ids: ['b', 'a', 'b'] });
    expect(combination.ruleJson(rule)).toBe('{"operator": "and", "alarm_ids": ["b", "a"]}');
    expect(combination.defaultDescription(rule)).toBe('Combined state of alarms b and a');
    expect(combination.members(rule)).toEqual(['b', 'a']);
  });

  test.each([[[]], [['a']], [['a', 'a']]])('needs two different alarms: %j is refused', (alarm_ids) => {
    const { error } = combination.schema.safeParse({ alarm_ids });
    expect(error?.issues.map(({ message }) => message)).toEqual([
      'Alarm combination rule should contain at least two different alarm ids.',
    ]);
  });
});

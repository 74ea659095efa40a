import { expect, test } from '@jest/globals';

import { createOpenTimesSource } from '../../src/alarm/time-constraint/open-times.js';
import { typeOf } from '../../src/alarm/types/index.js';
import { CombinationSnapshot } from '../../src/evaluator/combination-snapshot.js';
import type { MemberAlarm } from '../../src/storage/evaluation/evaluation-store.js';
import { combinationRule, thresholdRule } from '../support/stored-alarms.js';

const NOW = new Date('2026-01-05T11:00:00Z');

function member(id: string, given: Partial<MemberAlarm> & { of?: string[] } = {}): MemberAlarm {
  const { of, ...fields } = given;
  const rule = of ? combinationRule('and', ...of) : thresholdRule();
  return {
    id,
    kind: rule.type,
    ruleJson: typeOf(rule).ruleJson(rule),
    enabled: true,
    timeConstraintsJson: '[]',
    state: 'ok',
    partition: 0,
    isLocked: false,
    evaluationStartedAt: NOW,
    lastEvaluatedAt: NOW,
    ...fields,
  };
}

function snapshotOf(...members: MemberAlarm[]): CombinationSnapshot {
  return new CombinationSnapshot(members, { now: NOW, openTimes: createOpenTimesSource() });
}

/** Each level has two combinations, with both of the next level as members: there are 2 ** 60 paths down. */
test('each combination is computed once when combinations share members over many levels', () => {
  const levels = Array.from({ length: 60 }, (_, level) => level);
  const combinations = levels.flatMap((level) =>
    ['a', 'b'].map((name) => member(`${name}${level}`, { of: [`a${level + 1}`, `b${level + 1}`], state: 'ok' })),
  );
  const leaves = [member('a60', { state: 'alarm' }), member('b60', { state: 'alarm', partition: 7 })];
  const snapshot = snapshotOf(...combinations, ...leaves);
  expect(snapshot.verdictOf('a0').verdict).toBe('alarm');
  expect([...snapshot.progressBelow('a0', 60_000).leafPartitions]).toEqual([
    ['b60', 7],
    ['a60', 0],
  ]);
});

const closed = JSON.stringify([{ name: 'n', description: '', start: '0 3 * * *', duration: 60, timezone: '' }]);
const open = JSON.stringify([{ name: 'n', description: '', start: '0 11 * * *', duration: 60, timezone: '' }]);

test.each([
  ['is open: from its own members', { timeConstraintsJson: open }, 'alarm'],
  ['is closed by its time constraints: its stored state', { timeConstraintsJson: closed }, 'ok'],
  ['is disabled: its stored state', { enabled: false }, 'ok'],
])('the state of a member that is a combination and %s', (_, given, expected) => {
  const snapshot = snapshotOf(
    member('top', { of: ['middle', 'leaf'] }),
    member('middle', { of: ['leaf', 'other'], ...given }),
    member('leaf', { state: 'alarm' }),
    member('other', { state: 'alarm' }),
  );
  expect(Object.fromEntries(snapshot.statesBelow('top'))).toEqual({ middle: expected, leaf: 'alarm' });
});

test('deleted members are absent, and a cycle of combinations ends', () => {
  const snapshot = snapshotOf(member('a', { of: ['b', 'gone'] }), member('b', { of: ['a', 'gone'], state: 'alarm' }));
  expect(Object.fromEntries(snapshot.statesBelow('a'))).toEqual({ b: 'insufficient data' });
});

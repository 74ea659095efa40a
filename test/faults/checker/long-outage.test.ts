import { describe, expect, test } from '@jest/globals';

import {
  broken,
  change,
  goodRun,
  LONG_OUTAGE,
  remove,
  transitionsOf,
  WITHOUT_ACTIONS,
  type DraftRun,
} from './good-run.js';

describe('the checker finds in a long outage of the metrics backend', () => {
  test.each<{ spoilt: string; spoil: (run: DraftRun) => void; expected: string[] }>([
    {
      spoilt: 'a dead backend that is asked often',
      spoil: (run) => change(run.faults, { outage: { askedPerSecond: 1.4 } }),
      expected: ['G8 broken'],
    },
    {
      spoilt: 'an alarm that keeps its state',
      spoil: (run) => {
        const own = transitionsOf(run, WITHOUT_ACTIONS);
        const lost = own.findIndex(({ state }) => state === 'insufficient data');
        remove(run.transitions, own[lost]);
        remove(run.transitions, own[lost + 1]);
        for (const transition of own.slice(lost + 2)) transition.stateVersion -= 2;
      },
      expected: ['G2 broken', 'G8 broken'], // its wave changes meanwhile, too
    },
    {
      spoilt: 'an alarm that has no data long after it',
      spoil: (run) => {
        const own = transitionsOf(run, WITHOUT_ACTIONS);
        const lost = own.findIndex(({ state }) => state === 'insufficient data');
        for (const transition of own.slice(lost + 1)) remove(run.transitions, transition);
      },
      expected: ['G2 broken', 'G8 broken'],
    },
  ])('$spoilt', ({ spoil, expected }) => {
    const run = goodRun([LONG_OUTAGE]);
    spoil(run);
    expect(broken(run)).toEqual(expected);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { PHASES_PER_INTERVAL } from '../../src/alarm/partition-key.js';
import { cycleOf, isDue, lastDueTime, missedIntervals, nextTick, phaseOf } from '../../src/evaluator/schedule.js';

const INTERVAL = 80_000;
const moments = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 });
const partitions = fc.integer({ min: 0, max: 255 });

test('every phase has the same number of partitions', () => {
  const perPhase = Array.from({ length: PHASES_PER_INTERVAL }, () => 0);
  for (let partition = 0; partition < 256; partition += 1) perPhase[phaseOf(partition)]! += 1;
  expect(new Set(perPhase)).toEqual(new Set([256 / PHASES_PER_INTERVAL]));
});

describe('a partition in phase 2 of an interval of 80 s, which begins at 20 s', () => {
  const partition = 2;
  test.each([
    { evaluated: 20_000, now: 20_000, due: false, missed: 0 },
    { evaluated: 20_300, now: 99_999, due: false, missed: 0 },
    { evaluated: 20_300, now: 100_000, due: true, missed: 0 },
    { evaluated: 20_300, now: 179_999, due: true, missed: 0 },
    { evaluated: 20_300, now: 180_000, due: true, missed: 1 },
    { evaluated: 20_300, now: 420_000, due: true, missed: 4 },
    { evaluated: 3_600_000, now: 100_000, due: true, missed: 0 },
    { evaluated: 105_000, now: 100_000, due: false, missed: 0 },
  ])('evaluated at $evaluated: at $now it is due: $due, having missed $missed', ({ evaluated, now, due, missed }) => {
    expect(isDue(partition, evaluated, now, INTERVAL)).toBe(due);
    expect(missedIntervals(partition, evaluated, now, INTERVAL)).toBe(missed);
  });
});

test('a partition that was never evaluated is due', () => {
  expect(isDue(2, undefined, 0, INTERVAL)).toBe(true);
});

test('an evaluation, however late, belongs to the interval of its phase', () => {
  fc.assert(
    fc.property(partitions, moments, fc.integer({ min: 0, max: INTERVAL - 1 }), (partition, from, lateMs) => {
      const due = lastDueTime(partition, from, INTERVAL);
      expect(cycleOf(partition, due + lateMs, INTERVAL)).toBe(Math.floor(due / INTERVAL));
      expect(isDue(partition, due + lateMs, due + INTERVAL - 1, INTERVAL)).toBe(false);
      expect(isDue(partition, due + lateMs, due + INTERVAL, INTERVAL)).toBe(true);
    }),
  );
});

test('the loop wakes at the beginning of every phase and half-way through it', () => {
  fc.assert(
    fc.property(moments, (now) => {
      const next = nextTick(now, INTERVAL);
      expect(next).toBeGreaterThan(now);
      expect(next - now).toBeLessThanOrEqual(INTERVAL / PHASES_PER_INTERVAL / 2);
      expect(next % (INTERVAL / PHASES_PER_INTERVAL / 2)).toBe(0);
    }),
  );
});

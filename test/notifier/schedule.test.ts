import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { Config } from '../../src/config/schema.js';
import { nextAttemptAt } from '../../src/notifier/schedule.js';
import { NOON } from '../support/builders.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const schedule = Config.parse({}).notifier.retry_schedule;
const middle = (): number => 0.5;

function delayMs(question: { attempt: number; retryAfterMs?: number; random?: () => number }): number | null {
  const at = nextAttemptAt({ schedule, now: NOON, random: middle, ...question });
  return at && at.getTime() - NOON.getTime();
}

describe('the retry schedule', () => {
  test.each([
    { attempt: 1, expected: 5_000 },
    { attempt: 2, expected: 30_000 },
    { attempt: 3, expected: 2 * MINUTE },
    { attempt: 4, expected: 10 * MINUTE },
    { attempt: 5, expected: 30 * MINUTE },
    { attempt: 6, expected: HOUR },
    { attempt: 7, expected: 2 * HOUR },
    { attempt: 8, expected: 4 * HOUR },
    { attempt: 9, expected: 8 * HOUR },
    { attempt: 10, expected: 8 * HOUR },
    { attempt: 11, expected: null },
    { attempt: 12, expected: null },
  ])('after attempt $attempt the next is $expected ms later', ({ attempt, expected }) => {
    expect(delayMs({ attempt })).toBe(expected);
  });

  test('varies by a fifth either way and no more', () => {
    expect(delayMs({ attempt: 1, random: () => 0 })).toBe(4_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, x) => {
          const delay = delayMs({ attempt, random: () => x })!;
          expect(delay).toBeGreaterThanOrEqual(Math.floor(schedule[attempt]! * 0.8));
          expect(delay).toBeLessThanOrEqual(schedule[attempt]! * 1.2);
        },
      ),
    );
  });

  test.each([
    { retryAfterMs: 3_000, expected: 5_000 },
    { retryAfterMs: HOUR, expected: HOUR },
  ])('a receiver that asks for $retryAfterMs ms is asked again after $expected ms', ({ retryAfterMs, expected }) => {
    expect(delayMs({ attempt: 1, retryAfterMs })).toBe(expected);
  });

  test('a receiver cannot prolong an exhausted schedule', () => {
    expect(delayMs({ attempt: 11, retryAfterMs: HOUR })).toBeNull();
  });
});

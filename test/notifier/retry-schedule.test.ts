import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { Config } from '../../src/config/schema.js';
import { nextAttemptAfterRejection, nextAttemptAt } from '../../src/notifier/retry-schedule.js';
import { NOON } from '../support/builders.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const schedule = Config.parse({}).notifier.retry_schedule;
const middle = (): number => 0.5;

function delayMs(request: { attempt: number; retryAfterMs?: number; random?: () => number }): number | null {
  const at = nextAttemptAt({ schedule, now: NOON, random: middle, ...request });
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
  ])('after attempt $attempt the next attempt is $expected ms later', ({ attempt, expected }) => {
    expect(delayMs({ attempt })).toBe(expected);
  });

  test('the delays of the retry schedule vary by at most a fifth', () => {
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
  ])('after a Retry-After of $retryAfterMs ms the next attempt is $expected ms later', ({ retryAfterMs, expected }) => {
    expect(delayMs({ attempt: 1, retryAfterMs })).toBe(expected);
  });

  test('a Retry-After does not extend an exhausted schedule', () => {
    expect(delayMs({ attempt: 11, retryAfterMs: HOUR })).toBeNull();
  });
});

describe('the schedule for rejected attempts', () => {
  const offsets = Config.parse({}).notifier.rejected_schedule;

  /**
   * Times of the attempts after the first, in milliseconds, of a receiver that rejects each of them after `answerMs`.
   */
  function attempts(schedule: readonly number[], random: () => number, answerMs = 0): number[] {
    const times: number[] = [];
    let now = NOON;
    let since: Date | null = null;
    for (;;) {
      const next = nextAttemptAfterRejection({ rejectedSince: since, schedule, now, random });
      since ??= now;
      if (next === null) return times;
      times.push(next.getTime() - NOON.getTime());
      now = new Date(next.getTime() + answerMs);
    }
  }

  test('is 5 s, 30 s, 2 min and 5 min after the first attempt, then no more', () => {
    expect(attempts(offsets, middle)).toEqual([5_000, 30_000, 2 * MINUTE, 5 * MINUTE]);
  });

  test('has the same number of attempts with any jitter, each within a fifth of its time', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 4, maxLength: 4 }), (draws) => {
        const left = [...draws];
        const times = attempts(offsets, () => left.shift() ?? 0);
        expect(times).toHaveLength(4);
        for (const [index, time] of times.entries()) {
          expect(Math.abs(time - offsets[index]!)).toBeLessThanOrEqual(offsets[index]! / 5);
        }
      }),
    );
  });

  test.each([
    { answers: 'in a second', answerMs: 1_000, expected: [5_000, 30_000, 2 * MINUTE, 5 * MINUTE] },
    { answers: 'in a minute', answerMs: MINUTE, expected: [5_000, 2 * MINUTE, 5 * MINUTE] },
    { answers: 'in an hour', answerMs: HOUR, expected: [5_000] },
  ])('leaves out times that have passed when the receiver answers $answers', ({ answerMs, expected }) => {
    expect(attempts(offsets, middle, answerMs)).toEqual(expected);
  });

  test('that is empty allows no further attempt', () => {
    expect(attempts([], middle)).toEqual([]);
  });
});

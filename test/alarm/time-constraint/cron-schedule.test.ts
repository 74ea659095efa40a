import { describe, expect, jest, test } from '@jest/globals';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';

import { CronSchedule } from '../../../src/alarm/time-constraint/cron-schedule.js';
import { NumberSet } from '../../../src/alarm/time-constraint/number-set.js';
import { neverOpening, TimeConstraint } from '../../../src/alarm/time-constraint/time-constraint.js';
import { nextNaiveTimes } from '../../support/croniter.js';
import { describeWith } from '../../support/servers.js';

const DAYS_OF_YEARS = 45 * 366;
const SCHEDULES = 1_500;
const TIMES_EACH = 4;

test('a set of numbers finds neighbours as a list does', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(59)), fc.integer({ min: -1, max: 60 }), (members, value) => {
      const set = new NumberSet(members);
      const sorted = members.toSorted((a, b) => a - b);
      expect([...set]).toEqual(sorted);
      expect([set.size, set.least, set.greatest]).toEqual([sorted.length, sorted[0] ?? -1, sorted.at(-1) ?? -1]);
      if (value >= 0) expect(set.atLeast(value)).toBe(sorted.find((member) => member >= value) ?? -1);
      expect(set.atMost(value)).toBe(sorted.findLast((member) => member <= value) ?? -1);
    }),
  );
});

describe('a list whose items overlap means each of its numbers once', () => {
  test.each([
    ['0 0 1,1 * *', '0 0 1 * *'],
    ['0 0 1-3,2 * *', '0 0 1-3 * *'],
    ['0 0 */2,1 * *', '0 0 */2 * *'],
    ['0 0 L,15,L * *', '0 0 15,L * *'],
    ['0 0 *,5 * 1', '0 0 * * 1'],
    ['0,0 0 * * *', '0 0 * * *'],
    ['5-10,7 0-4,*/2 * * * 3,3', '5-10 0-4,6,8,10,12,14,16,18,20,22 * * * 3'],
    ['0 0 * feb,2 *', '0 0 * 2 *'],
    ['0 0 * * 0,7', '0 0 * * 0'],
    ['0 0 * * mon-fri,wed', '0 0 * * 1-5'],
    ['0 0 30,30 2 *', '0 0 30 2 *'],
  ])('%s is the same as %s', (start, plain) => {
    const constraint = TimeConstraint.safeParse({ name: 'n', start, duration: 60 });
    expect(constraint.error).toBeUndefined();
    expect(moments(start)).toEqual(moments(plain));
  });

  function moments(start: string): unknown[] {
    const schedule = new CronSchedule(start);
    return [schedule.neverOpens, walk(Date.UTC(2026) / 1000, (at) => schedule.firstAtOrAfter(at, DAYS_OF_YEARS), 1)];
  }
});

test('a list that repeats a number is parsed once for each of its numbers', () => {
  const parse = jest.spyOn(CronExpressionParser, 'parse');
  new CronSchedule(`${'1,'.repeat(40)}2 * * * *`);
  const { length } = parse.mock.calls;
  parse.mockRestore();
  expect(length).toBeLessThanOrEqual(4);
});

test('a schedule is made of every expression that is accepted', () => {
  fc.assert(
    fc.property(expressions, (start) => {
      fc.pre(TimeConstraint.safeParse({ name: 'n', start, duration: 60 }).success);
      expect(() => new CronSchedule(start)).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});

describe('a schedule that never opens', () => {
  test.each([
    ['0 0 31 2 *', true],
    ['0 0 30 2 *', true],
    ['0 0 30,31 2 *', true],
    ['0 0 31 2,4,6,9,11 *', true],
    ['0 0 31 4 *', true],
    ['0 0 29 2 *', false],
    ['0 0 31 2,3 *', false],
    ['0 0 31 2 1', false],
    ['0 0 * 2 1#5', false],
    ['0 0 L 2 *', false],
    ['0 0 * 2 L1', false],
    ['* * * * *', false],
    ['@yearly', false],
  ])('%s: %p', (start, expected) => {
    expect(new CronSchedule(start).neverOpens).toBe(expected);
  });

  test('is recognised from the text of the constraint if possible', () => {
    const days = fc.constantFrom(
      '*',
      '29',
      '30',
      '31',
      '030',
      '30-31',
      '29,31',
      '30/1',
      '28-31/3',
      '*/30',
      '*/15',
      'L',
      '1-31',
    );
    const months = fc.constantFrom('*', '2', 'feb', '2,4', '2-3', '4,6', '*/6', '2-12/2', '11', '1-12');
    const weekdays = fc.constantFrom('*', '1', '1#5', 'L5', '0-6', 'sun');
    fc.assert(
      fc.property(days, months, weekdays, fc.constantFrom('', ' 30'), (day, month, weekday, seconds) => {
        const start = `30 3 ${day} ${month} ${weekday}${seconds}`;
        const parsed = TimeConstraint.safeParse({ name: 'X', start, duration: 1 });
        fc.pre(parsed.success);
        const expected = new CronSchedule(start).neverOpens ? ['X'] : [];
        expect({ start, names: neverOpening([parsed.data]) }).toEqual({ start, names: expected });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the longest gap of a schedule', () => {
  test.each([
    ['* * * * *', 60],
    ['* * * * * *', 1],
    ['* * * * * 30', 60],
    ['*/20 * * * *', 1200],
    ['5,50 * * * *', 2700],
    ['0 8-17 * * *', 15 * 3600],
    ['30 1,2 * * * 5,10', 23 * 3600 - 5],
    ['0 0 * * *', 86_400],
    ['0 0 1-31 1-12 0-6', 86_400],
    ['0 0 * * 1-5', Infinity],
    ['* * 1-30 * *', Infinity],
    ['* * * 1-11 *', Infinity],
  ])('%s: %d s', (start, seconds) => {
    expect(new CronSchedule(start).longestGap).toBe(seconds);
  });
});

function numbers(least: number, greatest: number): fc.Arbitrary<string> {
  const one = fc.integer({ min: least, max: greatest });
  const range = fc.tuple(one, one).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: Math.max(1, greatest - least) });
  const item = fc.oneof(
    { weight: 4, arbitrary: one.map(String) },
    { weight: 2, arbitrary: range },
    fc.tuple(range, step).map(([from, by]) => `${from}/${by}`),
    step.map((by) => `*/${by}`),
  );
  return fc.oneof(
    { weight: 3, arbitrary: item },
    fc.uniqueArray(item, { minLength: 2, maxLength: 4 }).map((items) => items.join()),
  );
}

const orStar = (field: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant('*'), field);

const daysOfMonth = fc.oneof(
  { weight: 4, arbitrary: orStar(numbers(1, 31)) },
  fc.constantFrom('L', '15,L', '29', '29,30', '31'),
);
const weekdays = fc.oneof(
  { weight: 4, arbitrary: orStar(numbers(0, 6)) },
  fc.constantFrom('7', '1-7', '5-7', 'mon', 'Mon-Fri', 'SAT,SUN'),
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 })).map(([day, nth]) => `${day}#${nth}`),
  fc.integer({ min: 0, max: 6 }).map((day) => `L${day}`),
);
const months = fc.oneof(
  { weight: 2, arbitrary: fc.constant('*') },
  orStar(numbers(1, 12)),
  fc.constantFrom('feb', 'JAN-mar', '2'),
);
const expressions = fc
  .tuple(orStar(numbers(0, 59)), orStar(numbers(0, 23)), daysOfMonth, months, weekdays, fc.option(numbers(0, 59)))
  .map((fields) => fields.filter((field) => field !== null).join(' '));

describeWith(['croniter'], 'a schedule has the moments that croniter gives it', () => {
  test('croniter finds the same next and previous moments for random expressions', () => {
    const from = fc.integer({ min: Date.UTC(2020) / 1000, max: Date.UTC(2100) / 1000 });
    const accepted = fc
      .sample(fc.tuple(expressions, from), SCHEDULES)
      .filter(([start]) => TimeConstraint.safeParse({ name: 'n', start, duration: 60 }).success);
    const answers = nextNaiveTimes(accepted.map(([start, first]) => [start, naive(first), TIMES_EACH]));
    const wrong: object[] = [];
    let compared = 0;
    for (const [index, [start, first]] of accepted.entries()) {
      const answer = answers[index];
      if (!answer || isBeyondCroniter(start, [naive(first), ...answer])) continue;
      compared += 1;
      const schedule = new CronSchedule(start);
      const forwards = walk(first, (at) => schedule.firstAtOrAfter(at, DAYS_OF_YEARS), 1);
      const last = forwards.at(-1);
      const backwards = last === undefined ? [] : walk(last, (at) => schedule.lastAtOrBefore(at, DAYS_OF_YEARS), -1);
      const found = [forwards.map(naive), backwards.map(naive).toReversed(), schedule.neverOpens];
      const expected = [answer, answer, answer.length === 0];
      if (JSON.stringify(found) !== JSON.stringify(expected))
        wrong.push({ start, first: naive(first), found, expected });
    }
    process.stderr.write(`cron expressions: ${compared} compared, of ${SCHEDULES}; ${accepted.length} accepted\n`);
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(compared).toBeGreaterThan(SCHEDULES / 2);
  });
});

/**
 * With both days restricted, croniter searches for each of them and fails if one never comes. With a numbered weekday
 * it searches for both at once, too. With six columns its week has an eighth day, 7. In February it adds the days up to
 * the 31st, if that is in the list, and so skips the first days of March.
 */
function isBeyondCroniter(start: string, [first = '', ...answer]: readonly string[]): boolean {
  const [, , dayOfMonth = '', , weekday = '', second] = start.split(' ');
  const isInFebruary = [first, ...answer].some((moment) => moment.slice(5, 7) === '02');
  return (
    (dayOfMonth !== '*' && (isInFebruary || (answer.length === 0 && weekday !== '*'))) ||
    (second !== undefined && /7|\*\//.test(weekday))
  );
}

function walk(from: number, step: (at: number) => number | undefined, direction: 1 | -1): number[] {
  const found: number[] = [];
  for (let at = step(from); at !== undefined && found.length < TIMES_EACH; at = step(at + direction)) found.push(at);
  return found;
}

function naive(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createOpenTimesSource } from '../../../src/alarm/time-constraint/open-times.js';
import { TimeConstraint, TimeConstraints } from '../../../src/alarm/time-constraint/time-constraint.js';

const isWithin = (constraints: readonly TimeConstraint[], now: Date): boolean =>
  createOpenTimesSource().of(constraints).isOpen(now);

function constraint(start: string, duration: number, timezone = ''): TimeConstraint {
  return { name: 'office hours', description: '', start, duration, timezone };
}

describe('a daily start at eleven', () => {
  test.each([
    ['2026-01-05T10:58:59Z', 60, false],
    ['2026-01-05T10:59:00Z', 60, false],
    ['2026-01-05T10:59:00.001Z', 60, true],
    ['2026-01-05T10:59:01Z', 0, true],
    ['2026-01-05T10:59:59Z', 0, true],
    ['2026-01-05T10:59:59.999Z', 0, true],
    ['2026-01-05T11:00:00Z', 0, true],
    ['2026-01-05T11:00:00.500Z', 0, false],
    ['2026-01-05T11:00:30Z', 10, false],
    ['2026-01-05T11:01:00Z', 60, true],
    ['2026-01-05T11:01:00.001Z', 60, false],
    ['2026-01-05T12:00:00Z', 3600, true],
    ['2026-01-06T05:00:00Z', 86_400, true],
  ])('at %s with %d s: %p', (now, duration, expected) => {
    expect(isWithin([constraint('0 11 * * *', duration)], new Date(now))).toBe(expected);
  });
});

describe('other schedules', () => {
  const STEPS = '3-57/2 3-12/2 * * *';

  test.each([
    ['03:03', true],
    ['03:31', true],
    ['03:57', true],
    ['05:31', true],
    ['11:31', true],
    ['03:02:00', false],
    ['03:04', false],
    ['03:58', false],
    ['01:31', false],
    ['04:31', false],
    ['12:31', false],
  ])(`${STEPS} for 30 s at %s: %p`, (time, expected) => {
    const now = new Date(`2026-01-05T${time.length === 5 ? `${time}:00` : time}Z`);
    expect(isWithin([constraint(STEPS, 30)], now)).toBe(expected);
  });

  test.each([
    ['the last day of long months', '0 11 31 1,3,5,7,8,10,12 *', 3 * 3600, '', '2026-03-31T11:30:00Z', true],
    [
      'the last day of long months, a day before',
      '0 11 31 1,3,5,7,8,10,12 *',
      3 * 3600,
      '',
      '2026-03-30T11:30:00Z',
      false,
    ],
    ['day of the month or of the week: the 13th', '0 0 13 * 5', 3600, '', '2026-01-13T00:30:00Z', true],
    ['day of the month or of the week: a Friday', '0 0 13 * 5', 3600, '', '2026-01-16T00:30:00Z', true],
    ['day of the month or of the week: neither', '0 0 13 * 5', 3600, '', '2026-01-15T00:30:00Z', false],
    ['a time zone, in winter', '0 23 * * *', 60, 'Europe/Ljubljana', '2026-01-05T22:00:00Z', true],
    ['a time zone, in summer an hour earlier', '0 23 * * *', 60, 'Europe/Ljubljana', '2026-07-05T21:00:00Z', true],
    ['a time zone, in summer no longer', '0 23 * * *', 60, 'Europe/Ljubljana', '2026-07-05T22:00:00Z', false],
    ['seconds, which come last', '0 11 * * * 30', 10, '', '2026-01-05T11:00:35Z', true],
    ['seconds, which come last, after the end', '0 11 * * * 30', 10, '', '2026-01-05T11:00:41Z', false],
    ['a window longer than its schedule never closes', '0 * * * *', 7200, '', '2026-01-05T11:59:00Z', true],
    ['a nickname', '@daily', 60, '', '2026-01-05T00:00:30Z', true],
    ['a nickname in capitals', '@HOURLY', 60, '', '2026-01-05T07:00:30Z', true],
    ['the last day of a month', '0 0 l * *', 60, '', '2026-02-28T00:00:30Z', true],
    ['the last Friday of a month', '0 0 * * L5', 60, '', '2026-01-30T00:00:30Z', true],
    ['a Friday that is not the last', '0 0 * * L5', 60, '', '2026-01-23T00:00:30Z', false],
    ['the last Friday of a month, as others write it', '0 0 * * 5L', 60, '', '2026-01-30T00:00:30Z', true],
    ['another nickname', '@midnight', 60, '', '2026-01-05T00:00:30Z', true],
    ['a date that never comes', '0 0 31 2 *', 86_400, '', '2026-03-01T00:00:00Z', false],
  ])('%s', (_, start, duration, timezone, now, expected) => {
    expect(isWithin([constraint(start, duration, timezone)], new Date(now))).toBe(expected);
  });

  test('without constraints an alarm is always evaluated', () => {
    expect(isWithin([], new Date('2026-01-05T11:00:00Z'))).toBe(true);
  });

  test('one of several constraints is enough', () => {
    const several = [constraint('0 8 * * *', 60), constraint('0 11 * * *', 60)];
    expect(isWithin(several, new Date('2026-01-05T11:00:30Z'))).toBe(true);
    expect(isWithin(several, new Date('2026-01-05T10:00:30Z'))).toBe(false);
  });

  test('a longer duration never closes a window', () => {
    const moments = fc.date({
      min: new Date('2026-01-01T00:00:00Z'),
      max: new Date('2026-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, fc.nat(100_000), fc.nat(100_000), (now, duration, more) => {
        if (!isWithin([constraint('30 9 * * 1-5', duration)], now)) return;
        expect(isWithin([constraint('30 9 * * 1-5', duration + more)], now)).toBe(true);
      }),
    );
  });
});

describe('the input of clients', () => {
  test('the description has a default, and numbers may be texts', () => {
    expect(
      TimeConstraint.parse({ name: 'n', start: '0 11 * * *', duration: '300', timezone: null, description: '' }),
    ).toEqual({
      name: 'n',
      start: '0 11 * * *',
      duration: 300,
      timezone: '',
      description: 'Time constraint at 0 11 * * * lasting for 300 seconds',
    });
  });

  test.each([
    [{ start: 'bad' }, 'Exactly 5 or 6 columns has to be specified for iterator expression.'],
    [{ start: '0 25 * * *' }, '[0 25 * * *] is not acceptable, out of range'],
    [{ start: '0 11 ? * *' }, '[0 11 ? * *] is not acceptable'],
    [{ start: '0 11 15W * *' }, '[0 11 15W * *] is not acceptable'],
    [{ start: '@reboot' }, '[@reboot] is not acceptable'],
    [{ start: '@secondly' }, '[@secondly] is not acceptable'],
    [{ start: 'H 0 * * *' }, '[H 0 * * *] is not acceptable'],
    [{ duration: -1 }, 'Value should be greater or equal to 0'],
    [{ duration: 'x' }, "invalid literal for int() with base 10: 'x'"],
    [{ timezone: 'Mars/X' }, 'Timezone Mars/X is not valid'],
    [{ name: undefined }, 'Mandatory field missing.'],
  ])('%j is refused: %s', (given, message) => {
    const { error } = TimeConstraint.safeParse({ name: 'n', start: '0 11 * * *', duration: 60, ...given });
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  test.each([
    '@hourly',
    '@daily',
    '@midnight',
    '@weekly',
    '@monthly',
    '@yearly',
    '@annually',
    '0 0 L * *',
    '0 0 l * *',
    '0 0 * * 5#2',
    '0 0 * * L5',
    '@Hourly',
    '0 0 * jan sun',
    '0 0 * * WED-Thu',
    '0 0 * * 7',
    '0 0 31 2 *',
  ])('%s is accepted', (start) => {
    expect(TimeConstraint.safeParse({ name: 'n', start, duration: 60 }).error?.issues).toBeUndefined();
  });

  test('names are unique within an alarm', () => {
    const one = { name: 'n', start: '0 11 * * *', duration: 60 };
    expect(TimeConstraints.safeParse([one, one]).error?.issues[0]?.message).toBe(
      'Time constraint names must be unique for a given alarm.',
    );
    expect(TimeConstraints.safeParse([one, { ...one, name: 'm' }]).success).toBe(true);
  });
});

import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';

import { CronSchedule } from '../../../src/alarm/time-constraint/cron-schedule.js';
import { createOpenTimesSource, type Hours } from '../../../src/alarm/time-constraint/open-times.js';
import { ZoneClock, ZoneOffsets } from '../../../src/alarm/time-constraint/zone-clock.js';

const HOUR = 3_600_000;

function hours(start: string, duration: number, timezone = ''): Hours {
  return { start, duration, timezone };
}

function isOpen(of: readonly Hours[], at: string): boolean {
  return createOpenTimesSource().of(of).isOpen(new Date(at));
}

describe('an opening at a local time that is skipped comes at the first moment after it', () => {
  test.each([
    ['Berlin, 02:30 comes at 03:00', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T00:59:00Z', false],
    ['Berlin, 02:30 comes at 03:00', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T00:59:01Z', true],
    ['Berlin, 02:30 comes at 03:00', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T01:00:00Z', true],
    ['Berlin, 02:30 comes at 03:00', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T01:05:00Z', true],
    ['Berlin, 02:30 comes at 03:00', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T01:05:01Z', false],
    ['Berlin, and not at 03:30, too', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-29T01:30:00Z', false],
    ['Berlin, the day after', '30 2 * * *', 300, 'Europe/Berlin', '2026-03-30T00:30:00Z', true],
    [
      'Berlin, four times of the gap are one opening',
      '*/15 2 * * *',
      60,
      'Europe/Berlin',
      '2026-03-29T01:01:00Z',
      true,
    ],
    [
      'Berlin, four times of the gap are one opening',
      '*/15 2 * * *',
      60,
      'Europe/Berlin',
      '2026-03-29T01:15:00Z',
      false,
    ],
    ['Cairo, midnight comes at one', '0 0 * * *', 8 * 3600, 'Africa/Cairo', '2026-04-23T22:00:00Z', true],
    [
      'Cairo, midnight comes at one, for eight hours',
      '0 0 * * *',
      8 * 3600,
      'Africa/Cairo',
      '2026-04-24T06:00:00Z',
      true,
    ],
    ['Cairo, and no longer', '0 0 * * *', 8 * 3600, 'Africa/Cairo', '2026-04-24T06:00:01Z', false],
    ['Santiago, a Sunday without a midnight', '0 0 * * 0', 86_400, 'America/Santiago', '2026-09-06T12:00:00Z', true],
    ['Beirut, a Sunday without a midnight', '0 0 * * sun', 3600, 'Asia/Beirut', '2026-03-28T22:30:00Z', true],
    ['Lord Howe, half an hour', '15 2 * * *', 60, 'Australia/Lord_Howe', '2026-10-03T15:30:30Z', true],
    ['Apia, a whole day', '30 12 30 12 *', 60, 'Pacific/Apia', '2011-12-30T10:00:30Z', true],
    ['Apia, a whole day and its weekday', '30 12 * * 5', 60, 'Pacific/Apia', '2011-12-30T10:00:30Z', true],
    ['Kwajalein, a whole day', '0 8 21 8 *', 3600, 'Pacific/Kwajalein', '1993-08-21T12:30:00Z', true],
    ['Amsterdam, a gap of odd seconds', '* 0 * * *', 60, 'Europe/Amsterdam', '1937-06-30T23:40:30Z', true],
  ])('%s: %s for %d s in %s at %s: %p', (_, start, duration, timezone, at, expected) => {
    expect(isOpen([hours(start, duration, timezone)], at)).toBe(expected);
  });
});

describe('an opening at a repeated local time is the first of the two, and lasts in elapsed time', () => {
  test.each([
    ['30 2 * * *', 300, 'Europe/Berlin', '2026-10-25T00:30:00Z', true],
    ['30 2 * * *', 300, 'Europe/Berlin', '2026-10-25T01:30:00Z', false],
    ['30 2 * * *', 3600, 'Europe/Berlin', '2026-10-25T01:30:00Z', true],
    ['30 2 * * *', 3600, 'Europe/Berlin', '2026-10-25T01:30:01Z', false],
    ['0 1 * * *', 4 * 3600, 'Europe/Berlin', '2026-10-25T03:00:01Z', false],
    ['0 3 * * *', 300, 'Europe/Berlin', '2026-10-25T02:00:00Z', true],
    ['0 3 * * *', 300, 'Europe/Berlin', '2026-10-25T01:00:00Z', false],
    ['30 2 * * *', 300, 'Europe/Berlin', '2026-10-26T01:30:00Z', true],
    ['30 23 * * *', 300, 'Africa/Cairo', '2026-10-29T20:30:00Z', true],
    ['30 23 * * *', 300, 'Africa/Cairo', '2026-10-29T21:30:00Z', false],
    ['45 1 * * *', 60, 'Australia/Lord_Howe', '2026-04-04T14:45:30Z', true],
    ['45 1 * * *', 60, 'Australia/Lord_Howe', '2026-04-04T15:15:30Z', false],
    ['*/5 * * * *', 300, 'Europe/Berlin', '2026-10-25T00:59:00Z', true],
    ['*/5 * * * *', 300, 'Europe/Berlin', '2026-10-25T01:30:00Z', false],
    ['*/5 * * * *', 300, 'Europe/Berlin', '2026-10-25T01:59:30Z', true],
  ])('%s for %d s in %s at %s: %p', (start, duration, timezone, at, expected) => {
    expect(isOpen([hours(start, duration, timezone)], at)).toBe(expected);
  });
});

describe('a rare schedule', () => {
  test.each([
    ['0 0 29 2 *', '2028-02-29T00:30:00Z', true],
    ['0 0 29 2 *', '2096-02-29T00:30:00Z', true],
    ['0 0 29 2 *', '2100-03-01T00:30:00Z', false],
    ['0 0 29 2 *', '2104-02-29T00:30:00Z', true],
    ['0 0 * 2 1#5', '2016-02-29T00:30:00Z', true],
    ['0 0 * 2 1#5', '2044-02-29T00:30:00Z', true],
    ['0 0 31 2 *', '2026-03-03T00:30:00Z', false],
    ['0 0 31 2 1', '2026-02-02T00:30:00Z', true],
  ])('%s, known from 2020 on, at %s: %p', (start, at, expected) => {
    const openTimes = createOpenTimesSource().of([hours(start, 3600)]);
    expect(openTimes.isOpen(new Date('2020-01-01T00:00:00Z'))).toBe(false);
    expect(openTimes.isOpen(new Date(at))).toBe(expected);
  });

  test('whose opening lasts for a year is open since the previous opening', () => {
    expect(isOpen([hours('0 0 1 1 *', 366 * 86_400)], '2026-12-31T23:00:00Z')).toBe(true);
    expect(isOpen([hours('0 0 29 2 *', 366 * 86_400)], '2025-03-01T00:00:00Z')).toBe(true);
    expect(isOpen([hours('0 0 29 2 *', 366 * 86_400)], '2025-03-01T00:00:01Z')).toBe(false);
  });
});

const ZONES = [
  '',
  'UTC',
  'Europe/Berlin',
  'africa/cairo',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/St_Johns',
  'Asia/Gaza',
];
const STARTS = [
  ...[
    '* * * * *',
    '*/20 * * * *',
    '0 */2 * * *',
    '30 2 * * *',
    '0 0 * * *',
    '59 23 * * *',
    '15 1,2 * * 6,0',
    '0 0 13 * 5',
  ],
  ...[
    '0 0 L * *',
    '0 12 * * 5#2',
    '30 1 * * L0',
    '0 0 29 2 *',
    '0 0 31 2 *',
    '7 7 7 7 *',
    '* * * * * */15',
    '10 0 * 3,10 * 30',
  ],
];
const anyHours = fc.record({
  start: fc.constantFrom(...STARTS),
  duration: fc.constantFrom(0, 1, 59, 60, 300, 3600, 7200, 86_400, 90_000, 7 * 86_400, 366 * 86_400),
  timezone: fc.constantFrom(...ZONES),
});
/** Mostly close together, to find answers that are kept too long. */
const moments = fc
  .tuple(
    fc.date({ min: new Date('2011-12-01Z'), max: new Date('2031-01-01Z'), noInvalidDate: true }),
    fc.array(fc.integer({ min: -3 * HOUR, max: 3 * HOUR }), { maxLength: 20 }),
    fc.array(fc.integer({ min: -40 * 24 * HOUR, max: 40 * 24 * HOUR }), { maxLength: 10 }),
  )
  .chain(([at, near, far]) =>
    fc.shuffledSubarray([0, ...near, ...far].map((offset) => new Date(at.getTime() + offset))),
  );

describe('cached answers of open times', () => {
  test('equal fresh answers, for any moments in any order', () => {
    const shared = createOpenTimesSource();
    fc.assert(
      fc.property(fc.array(anyHours, { maxLength: 4 }), moments, (constraints, all) => {
        const kept = shared.of(constraints);
        for (const at of all)
          expect([at, kept.isOpen(at)]).toEqual([at, createOpenTimesSource().of(constraints).isOpen(at)]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('equal those of a minute-by-minute search, for schedules of whole minutes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('*/20 * * * *', '30 2 * * *', '0 0 * * *', '0 */2 * * *'),
        fc.nat(2 * 366),
        (start, days) => {
          const timezone = 'America/St_Johns';
          const from = Date.UTC(2025, 0, 1) + days * 24 * HOUR;
          const openings = minuteByMinute(start, timezone, from - 4 * HOUR, from + 26 * HOUR);
          const openTimes = createOpenTimesSource().of([hours(start, 900, timezone)]);
          for (let at = from; at < from + 24 * HOUR; at += 450_000) {
            const expected = openings.some((opening) => at > opening - 60_000 && at <= opening + 900_000);
            expect([new Date(at), openTimes.isOpen(new Date(at))]).toEqual([new Date(at), expected]);
          }
        },
      ),
    );
  });

  test('need no computation within their period, and none for a constraint that never opens', () => {
    const source = createOpenTimesSource();
    const [daily, never] = [
      source.of([hours('0 11 * * *', 3600, 'Europe/Berlin')]),
      source.of([hours('0 0 31 2 *', 60)]),
    ];
    const at = (time: string): Date => new Date(`2026-01-05T${time}Z`);
    expect([daily.unknownAt(at('10:30:00')), never.unknownAt(at('10:30:00'))]).toEqual([1, 1]);
    expect([daily.isOpen(at('10:30:00')), never.isOpen(at('10:30:00'))]).toEqual([true, false]);
    for (const time of ['09:59:01', '10:00:00', '11:00:00'])
      expect([time, daily.unknownAt(at(time))]).toEqual([time, 0]);
    for (const time of ['09:59:00', '11:00:00.001']) expect([time, daily.unknownAt(at(time))]).toEqual([time, 1]);
    expect(never.unknownAt(new Date('2126-01-05T00:00:00Z'))).toBe(0);
  });

  test('are computed once in each period for all alarms with the same constraints', () => {
    const search = jest.spyOn(CronSchedule.prototype, 'firstAtOrAfter');
    try {
      const source = createOpenTimesSource();
      const constraints = [hours('0 0 29 2 *', 3600, 'America/New_York'), hours('0 11 * * *', 3600, 'Europe/Berlin')];
      const [from, until] = [Date.UTC(2026, 0, 5, 12), Date.UTC(2026, 0, 5, 22)];
      for (let at = from; at <= until; at += 60_000) expect(source.of(constraints).isOpen(new Date(at))).toBe(false);
      expect(search).toHaveBeenCalledTimes(constraints.length);
    } finally {
      search.mockRestore();
    }
  });

  test('last for weeks for a schedule that is always open', () => {
    const openTimes = createOpenTimesSource().of([hours('* * * * *', 60, 'Europe/Berlin')]);
    expect(openTimes.isOpen(new Date('2026-01-05T10:30:00Z'))).toBe(true);
    expect(openTimes.unknownAt(new Date('2026-02-04T10:30:00Z'))).toBe(0);
  });

  test('are shared by alarms whose constraints differ in their names only', () => {
    const source = createOpenTimesSource();
    const constraint = { ...hours('0 11 * * *', 60), description: '' };
    expect(source.of([{ ...constraint, name: 'a' } as Hours])).toBe(source.of([{ ...constraint, name: 'b' } as Hours]));
    expect(source.ofJson(JSON.stringify([{ name: 'c', ...constraint }]))).toBe(source.of([constraint]));
    expect(source.of([constraint])).not.toBe(source.of([{ ...constraint, duration: 61 }]));
  });

  test('are closed for a row that cannot be read', () => {
    expect(isOpen([hours('nonsense', 60)], '2026-01-05T00:00:00Z')).toBe(false);
    expect(isOpen([hours('* * * * *', 60, 'Mars/X')], '2026-01-05T00:00:00Z')).toBe(false);
  });
});

/** The first moments at which the local times of a schedule are reached, found minute by minute. */
function minuteByMinute(start: string, timezone: string, from: number, until: number): number[] {
  const [minute = '', hour = ''] = start.split(' ');
  const matches = (field: string, value: number): boolean =>
    field === '*' || (field.startsWith('*/') ? value % Number(field.slice(2)) === 0 : value === Number(field));
  const offsetAt = new ZoneOffsets().of(timezone);
  const openings: number[] = [];
  let reached = from - 48 * HOUR;
  for (let at = reached; at < until; at += 60_000) {
    const local = at + offsetAt(at);
    let opens = false;
    for (let one = Math.max(reached, local - 3 * HOUR); one <= local; one += 60_000) {
      const date = new Date(one);
      if (one > reached && matches(minute, date.getUTCMinutes()) && matches(hour, date.getUTCHours())) opens = true;
    }
    if (opens) openings.push(at);
    reached = Math.max(reached, local);
  }
  return openings.filter((at) => at >= from);
}

describe('a clock that is changed at any time and by any amount', () => {
  const change = fc.record({
    at: fc.integer({ min: -5 * 86_400, max: 5 * 86_400 }),
    before: fc.integer({ min: -12 * 3600, max: 12 * 3600 }),
    after: fc.integer({ min: -12 * 3600, max: 12 * 3600 }),
  });

  test('reaches a local time at its first moment, and has reached all local times before its farthest one', () => {
    fc.assert(
      fc.property(change, fc.integer({ min: -2 * 86_400, max: 2 * 86_400 }), ({ at, before, after }, distance) => {
        const offsetAt = (moment: number): number => (moment < at * 1000 ? before : after) * 1000;
        const clock = new ZoneClock(offsetAt);
        const local = (at + distance) * 1000;
        const first = clock.firstMomentOf(local);
        const shown = first + offsetAt(first);
        expect(shown === local || (first === at * 1000 && shown > local)).toBe(true);
        expect(clock.farthestBefore(first)).toBeLessThanOrEqual(local);
        expect(clock.farthestBefore(first + 1)).toBeGreaterThan(local);
      }),
      { numRuns: 2_000 },
    );
  });
});

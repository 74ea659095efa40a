import { describe, expect, test } from '@jest/globals';

import { SilenceOpenings, type SilenceTimes } from '../../../src/alarm/silence/openings.js';

const openings = new SilenceOpenings();
const at = (text: string): Date => new Date(text);

const ONCE: SilenceTimes = {
  startsAt: at('2026-01-01T12:00:00Z'),
  endsAt: at('2026-01-01T13:00:00Z'),
  recurrence: null,
};

describe('a silence that does not recur', () => {
  test.each([
    ['before its start', '2026-01-01T11:59:59.999Z', false],
    ['at its start', '2026-01-01T12:00:00Z', true],
    ['just before its end', '2026-01-01T12:59:59.999Z', true],
    ['at its end', '2026-01-01T13:00:00Z', false],
  ])('%s: %s is open: %s', (_, moment, isOpen) => {
    expect(openings.isOpen(ONCE, at(moment))).toBe(isOpen);
  });
});

/** 02:30 in Berlin, for an hour. */
const NIGHTLY: SilenceTimes = {
  startsAt: at('2026-01-01T00:00:00Z'),
  endsAt: null,
  recurrence: { cron: '30 2 * * *', durationS: 3_600, timezone: 'Europe/Berlin' },
};

describe('a silence that recurs', () => {
  test.each([
    ['is closed just before an opening', '2026-01-10T01:29:59.999Z', false],
    ['is open at the start of an opening', '2026-01-10T01:30:00Z', true],
    ['is open just before the end of an opening', '2026-01-10T02:29:59.999Z', true],
    ['is closed at the end of an opening', '2026-01-10T02:30:00Z', false],
    ['follows summer time', '2026-07-10T00:30:00Z', true],
    ['opens at the change if the clock skips its time', '2026-03-29T01:00:00Z', true],
    ['is closed before that change', '2026-03-29T00:59:59Z', false],
    ['opens once if the clock shows its time twice', '2026-10-25T00:30:00Z', true],
    ['does not open the second time', '2026-10-25T01:30:00Z', false],
  ])('%s (%s)', (_, moment, isOpen) => {
    expect(openings.isOpen(NIGHTLY, at(moment))).toBe(isOpen);
  });

  test('names the present opening, otherwise the next one', () => {
    const opening = { startsAt: at('2026-01-10T01:30:00Z'), endsAt: at('2026-01-10T02:30:00Z') };
    expect(openings.openingOf(NIGHTLY, at('2026-01-10T02:00:00Z'))).toEqual(opening);
    expect(openings.openingOf(NIGHTLY, at('2026-01-09T12:00:00Z'))).toEqual(opening);
  });

  test('has no opening before its start, and cuts the first and the last one', () => {
    const times = { ...NIGHTLY, startsAt: at('2026-01-10T02:00:00Z'), endsAt: at('2026-01-11T02:00:00Z') };
    expect(openings.isOpen(times, at('2026-01-10T01:45:00Z'))).toBe(false);
    expect(openings.openingOf(times, at('2026-01-01T00:00:00Z'))).toEqual({
      startsAt: at('2026-01-10T02:00:00Z'),
      endsAt: at('2026-01-10T02:30:00Z'),
    });
    expect(openings.openingOf(times, at('2026-01-10T12:00:00Z'))).toEqual({
      startsAt: at('2026-01-11T01:30:00Z'),
      endsAt: at('2026-01-11T02:00:00Z'),
    });
    expect(openings.openingOf(times, at('2026-01-11T02:00:00Z'))).toBeUndefined();
  });

  test.each([
    ['whose cron expression has no day', { ...NIGHTLY.recurrence!, cron: '0 0 31 2 *' }],
    ['whose cron expression cannot be read', { ...NIGHTLY.recurrence!, cron: 'never' }],
    ['whose zone is unknown', { ...NIGHTLY.recurrence!, timezone: 'Mars/Olympus' }],
  ])('%s never opens', (_, recurrence) => {
    expect(openings.openingOf({ ...NIGHTLY, recurrence }, at('2026-01-10T02:00:00Z'))).toBeUndefined();
  });
});

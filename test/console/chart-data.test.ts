import { describe, expect, test } from '@jest/globals';

import { chartData, type ShownValues } from '../../src/console/chart/chart-data.js';

const at = (minute: number): string => `2026-01-01T10:${String(minute).padStart(2, '0')}:00Z`;
const secondsAt = (minute: number): number => Date.parse(at(minute)) / 1000;

/** Five minutes of a series that has a value in minute 3 only. */
function valuesOf(createdAt: string | null): ShownValues {
  const points = [0, 1, 2, 3, 4].map((minute) => ({ at: at(minute), timestamp: null, value: minute === 3 ? 7 : null }));
  return {
    start: at(0),
    stop: at(5),
    created_at: createdAt,
    series: [{ name: null, rule: null, points, threshold: null, clear_threshold: null }],
    states: [
      { state: 'insufficient data', start: at(0), stop: at(3) },
      { state: 'ok', start: at(3), stop: at(5) },
    ],
    transitions: [],
  } as unknown as ShownValues;
}

describe('the chart of an alarm', () => {
  test.each([
    {
      created: 'long before it',
      createdAt: '2025-01-01T00:00:00Z',
      missing: [0, 1, 2, 4],
      bands: [0, 3],
      line: undefined,
    },
    { created: 'at its start', createdAt: at(0), missing: [0, 1, 2, 4], bands: [0, 3], line: undefined },
    { created: 'in its middle', createdAt: at(2), missing: [2, 4], bands: [2, 3], line: 2 },
    { created: 'near its end', createdAt: at(4), missing: [4], bands: [4], line: 4 },
    { created: 'after it', createdAt: at(30), missing: [], bands: [], line: 30 },
    { created: 'never, as a draft', createdAt: null, missing: [0, 1, 2, 4], bands: [0, 3], line: undefined },
  ])('that was created $created has no missing values and no state before', ({ createdAt, missing, bands, line }) => {
    const data = chartData(valuesOf(createdAt));
    expect(data.missing).toEqual(missing.map(secondsAt));
    expect(data.bands.map(({ from }) => from)).toEqual(bands.map(secondsAt));
    expect(data.createdAt).toBe(line === undefined ? undefined : secondsAt(line));
  });
});

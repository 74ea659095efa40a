import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { sanitised, type OnDrop } from '../../src/alarm/sanitise.js';

const WINDOW = { from: 100, to: 200 };

interface Told {
  at: number | null;
  value: unknown;
  why: string;
}

function clean(raw: readonly [at: number, value: unknown][]): {
  points: [number, number | undefined][];
  dropped: Told[];
} {
  const dropped: Told[] = [];
  const onDrop: OnDrop = (point) => void dropped.push(point);
  const series = sanitised(
    raw.map(([at, value]) => ({ at, value })),
    WINDOW,
    onDrop,
  );
  return { points: series.map(({ at, values }) => [at, values['value']]), dropped };
}

describe('a point is accepted', () => {
  test.each([
    ['a number within the window', 150, 1.5],
    ['zero', 150, 0],
    ['a huge number', 150, 1e308],
    ['infinite', 150, Infinity],
    ['infinite downwards', 150, -Infinity],
    ['at the very beginning', 100, 1],
    ['at the very end', 200, 1],
  ])('when it is %s', (_, at, value) => {
    expect(clean([[at, value]])).toEqual({ points: [[at, value]], dropped: [] });
  });

  test.each<[what: string, at: number, value: unknown, why: string]>([
    ['before the window', 99, 5, 'outside the window'],
    ['after the window', 201, 5, 'outside the window'],
    ['of no time', NaN, 5, 'no timestamp'],
    ['of an infinite time', Infinity, 5, 'no timestamp'],
  ])('unless it is %s', (_, at, value, why) => {
    expect(clean([[at, value]])).toEqual({
      points: [],
      dropped: [{ at: Number.isFinite(at) ? at : null, value, why }],
    });
  });
});

describe('a point stays without a value', () => {
  test.each<[what: string, value: unknown]>([
    ['NaN', NaN],
    ['null', null],
    ['absent', undefined],
    ['a text', '5'],
    ['a boolean', true],
    ['a list', [5]],
    ['an object', { __proto__: null, valueOf: 5 }],
  ])('if its value is %s', (_, value) => {
    const dropped = [{ at: 150, value, why: 'not a number' }];
    expect(clean([[150, value]])).toEqual({ points: [[150, undefined]], dropped });
  });

  test('also if another point of the same time had a value', () => {
    expect(clean([[110, 1], [110, NaN]]).points).toEqual([[110, undefined]]); // prettier-ignore
    expect(clean([[110, NaN], [110, 1]]).points).toEqual([[110, 1]]); // prettier-ignore
  });
});

describe('points', () => {
  test('are sorted by time', () => {
    // Prettier-ignore
    expect(
      clean([
        [130, 3],
        [110, 1],
        [120, 2],
      ]),
    ).toEqual({
      points: [
        [110, 1],
        [120, 2],
        [130, 3],
      ],
      dropped: [],
    });
  });

  test('of the same time become one: the last that was sent', () => {
    const { points, dropped } = clean([[110, 1], [120, 2], [110, 3], [110, 4]]); // prettier-ignore
    expect(points).toEqual([[110, 4], [120, 2]]); // prettier-ignore
    const why = 'replaced by a later point of the same time';
    expect(dropped).toEqual([
      { at: 110, value: 1, why },
      { at: 110, value: 3, why },
    ]);
  });

  test('may be none, and need no listener', () => {
    expect(sanitised([], WINDOW)).toEqual([]);
    expect(sanitised([{ at: 150, value: 'x' }], WINDOW)).toEqual([{ at: 150, values: {} }]);
  });
});

test('in the window are kept in order, the last one of each moment, and all others are reported', () => {
  const time = fc.oneof(fc.integer({ min: 95, max: 205 }), fc.constantFrom(NaN, Infinity, -Infinity, 150.5));
  const value = fc.oneof(
    fc.double(),
    fc.constantFrom<unknown>(null, '1', true, [], {}, Infinity, -Infinity),
    fc.integer(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(time, value), { maxLength: 20 }), (raw) => {
      const { points, dropped } = clean(raw);
      const within = raw.filter(([at]) => at >= 100 && at <= 200);
      const moments = [...new Set(within.map(([at]) => at))].sort((a, b) => a - b);
      const last = moments.map((moment) => [moment, numberIn(within.findLast(([at]) => at === moment)![1])]);
      expect(points).toEqual(last);
      expect(points.filter(([, kept]) => kept !== undefined).length + dropped.length).toBe(raw.length);
    }),
    { numRuns: 1000 },
  );
});

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { sanitised, type OnDrop } from '../../src/alarm/sanitise.js';

const WINDOW = { from: 100, to: 200 };

interface Told {
  at: number | null;
  value: unknown;
  why: string;
}

function clean(raw: readonly [at: number, value: unknown][]): { points: [number, number][]; dropped: Told[] } {
  const dropped: Told[] = [];
  const onDrop: OnDrop = (point) => void dropped.push(point);
  const series = sanitised(
    raw.map(([at, value]) => ({ at, value })),
    WINDOW,
    onDrop,
  );
  return { points: series.map(({ at, values }) => [at, values['value'] as number]), dropped };
}

describe('a point is believed', () => {
  test.each([
    ['a number within the window', 150, 1.5],
    ['zero', 150, 0],
    ['a huge number', 150, 1e308],
    ['at the very beginning', 100, 1],
    ['at the very end', 200, 1],
  ])('when it is %s', (_, at, value) => {
    expect(clean([[at, value]])).toEqual({ points: [[at, value]], dropped: [] });
  });

  test.each<[what: string, at: number, value: unknown, why: string]>([
    ['NaN', 150, NaN, 'not a number'],
    ['infinite', 150, Infinity, 'not a number'],
    ['infinite downwards', 150, -Infinity, 'not a number'],
    ['null', 150, null, 'not a number'],
    ['missing', 150, undefined, 'not a number'],
    ['text', 150, '5', 'not a number'],
    ['a boolean', 150, true, 'not a number'],
    ['a list', 150, [5], 'not a number'],
    ['an object', 150, { __proto__: null, valueOf: 5 }, 'not a number'],
    ['before the window', 99, 5, 'outside the window'],
    ['after the window', 201, 5, 'outside the window'],
    ['of no time', NaN, 5, 'no timestamp'],
    ['of an infinite time', Infinity, 5, 'no timestamp'],
  ])('unless it is %s', (_, at, value, why) => {
    expect(clean([[at, value]])).toEqual({ points: [], dropped: [{ at: Number.isFinite(at) ? at : null, value, why }] });
  });
});

describe('points', () => {
  test('come out by their time', () => {
    expect(clean([[130, 3], [110, 1], [120, 2]])).toEqual({ points: [[110, 1], [120, 2], [130, 3]], dropped: [] }); // prettier-ignore
  });

  test('of the same time are one: the last that was sent', () => {
    const { points, dropped } = clean([[110, 1], [120, 2], [110, 3], [110, 4]]); // prettier-ignore
    expect(points).toEqual([[110, 4], [120, 2]]); // prettier-ignore
    const why = 'replaced by a later point of the same time';
    expect(dropped).toEqual([
      { at: 110, value: 1, why },
      { at: 110, value: 3, why },
    ]);
  });

  test('that are not believed replace none', () => {
    expect(clean([[110, 1], [110, NaN]]).points).toEqual([[110, 1]]); // prettier-ignore
  });

  test('can be none, and need no listener', () => {
    expect(sanitised([], WINDOW)).toEqual([]);
    expect(sanitised([{ at: 150, value: 'x' }], WINDOW)).toEqual([]);
  });
});

test('whatever is sent, each point is kept or told of once, and those kept are finite, in order and within the window', () => {
  const time = fc.oneof(fc.integer({ min: 95, max: 205 }), fc.constantFrom(NaN, Infinity, -Infinity, 150.5));
  const value = fc.oneof(fc.double(), fc.constantFrom<unknown>(null, '1', true, [], {}), fc.integer());
  fc.assert(
    fc.property(fc.array(fc.tuple(time, value), { maxLength: 20 }), (raw) => {
      const { points, dropped } = clean(raw);
      expect(points.length + dropped.length).toBe(raw.length);
      for (const [index, [at, one]] of points.entries()) {
        expect(Number.isFinite(one) && at >= 100 && at <= 200).toBe(true);
        if (index > 0) expect(at).toBeGreaterThan(points[index - 1]![0]);
        const ofTime = raw.filter(([other, sent]) => other === at && typeof sent === 'number' && Number.isFinite(sent));
        expect(one).toBe(ofTime.at(-1)?.[1]);
      }
    }),
    { numRuns: 1000 },
  );
});

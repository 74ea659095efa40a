import { expect, test } from '@jest/globals';

import { ExpiringCache } from '../../src/cache/expiring-cache.js';
import { memoizeHourly } from '../../src/cache/memoize-hourly.js';
import { StaggeredCache } from '../../src/cache/staggered-cache.js';

const HOUR_MS = 3_600_000;

function aClock(): { nowMs: number; monotonicMs: () => number } {
  const clock = { nowMs: 1_000, monotonicMs: () => clock.nowMs };
  return clock;
}

test('a value of an expiring cache is gone at its time', () => {
  const clock = aClock();
  const cache = new ExpiringCache<number>(2, clock);
  cache.set('a', 1, 1_010);
  clock.nowMs = 1_009;
  expect([cache.get('a'), cache.size]).toEqual([1, 1]);
  clock.nowMs = 1_010;
  expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
});

test('a full expiring cache removes the value that was unused for longest', () => {
  const cache = new ExpiringCache<number>(2, aClock());
  for (const [index, key] of ['a', 'b', 'c'].entries()) cache.set(key, index, 2_000);
  cache.delete('c');
  expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([undefined, 1, undefined]);
});

test('values of a staggered cache expire between once and twice its time to live, and not together', () => {
  const clock = aClock();
  const cache = new StaggeredCache<number>({ ttlMs: 1_600, maxEntries: 100 }, clock);
  const keys = Array.from({ length: 16 }, (_, index) => `k${index}`);
  for (const [index, key] of keys.entries()) cache.set(key, index);
  const held = (atMs: number): number => {
    clock.nowMs = 1_000 + atMs;
    return keys.filter((key) => cache.get(key) !== undefined).length;
  };
  expect([1_599, 1_600, 2_400, 3_100].map(held)).toEqual([16, 15, 7, 0]);
});

test('a memoized look-up runs once an hour, for calls at the same time too, and again after a failure', async () => {
  const clock = aClock();
  let calls = 0;
  const value = memoizeHourly(clock, () => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error('down')) : Promise.resolve(calls);
  });
  await expect(Promise.all([value(), value()])).rejects.toThrow('down');
  expect(await Promise.all([value(), value()])).toEqual([2, 2]);
  clock.nowMs += HOUR_MS - 1;
  expect(await value()).toBe(2);
  clock.nowMs += 1;
  expect(await value()).toBe(3);
});

import { expect, test } from '@jest/globals';

import { createScanResistantCache } from '../../src/cache/scan-resistant-cache.js';

test('a full cache keeps its entries and rejects new ones', () => {
  const cache = createScanResistantCache<number>(1_000);
  for (let index = 0; index < 20; index += 1) cache.put(`k${index}`, index, 100);
  const held = Array.from({ length: 20 }, (_, index) => cache.get(`k${index}`)).filter((value) => value !== undefined);
  expect(held).toEqual([0, 1, 2, 3, 4]);
});

test('a full cache is cleared after many rejections', () => {
  const cache = createScanResistantCache<number>(1_000);
  for (let index = 0; index < 30; index += 1) cache.put(`k${index}`, index, 100);
  expect(cache.get('k0')).toBeUndefined();
  expect(cache.get('k29')).toBe(29);
});

test('a value that is larger than the cache is not stored', () => {
  const cache = createScanResistantCache<number>(1_000);
  expect(cache.put('k', 1, 2_000)).toBe(1);
  expect(cache.get('k')).toBeUndefined();
});

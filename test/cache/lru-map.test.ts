import { expect, test } from '@jest/globals';

import { LruMap } from '../../src/cache/lru-map.js';

test('a full map removes the entry that was unused for longest', () => {
  const map = new LruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([1, undefined, 3]);
  expect(map.size).toBe(2);
});

test('an entry may weigh more than 1, and one that is replaced or deleted weighs nothing any more', () => {
  const map = new LruMap<string>(10, (value) => value.length);
  map.set('a', 'xxxxx');
  map.set('b', 'xxxx');
  map.set('b', 'xxxxx');
  expect(map.size).toBe(2);
  map.delete('a');
  map.delete('a');
  map.set('c', 'xxxxx');
  expect(map.size).toBe(2);
  map.set('d', 'xxxxxxxx');
  expect([map.size, map.get('d')]).toEqual([1, 'xxxxxxxx']);
});

test('an entry that is heavier than the map is not kept', () => {
  const map = new LruMap<string>(3, (value) => value.length);
  map.set('a', 'xx');
  map.set('b', 'xxxx');
  expect(map.size).toBe(0);
});

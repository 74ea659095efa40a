import { describe, expect, test } from '@jest/globals';

import { BehindWatch, type BatchToken } from '../../src/evaluator/lateness/behind-watch.js';
import { roundRobin } from '../../src/evaluator/lateness/round-robin.js';

const NOW = new Date('2026-01-01T12:00:00Z');

/** A watch with alarms that are behind, by partition. */
function watchOf(alarms: Record<string, number>): BehindWatch {
  const watch = new BehindWatch();
  for (const [id, partition] of Object.entries(alarms)) {
    const alarm = { id, partition, projectId: 'p', ticket: undefined };
    watch.notSent(alarm, { now: NOW, lastMs: undefined, backend: 'prometheus', isPartial: false });
  }
  return watch;
}

const takenFrom = (watch: BehindWatch, batch: BatchToken = {}): string[] =>
  watch.take(() => false, batch).map(({ alarmId }) => alarmId);

describe('alarms that are behind', () => {
  test('are held by one batch at a time, and wait again when it fails', () => {
    const watch = watchOf({ a: 1, b: 2, c: 2 });
    const [scheduled, catchUp] = [{}, {}];
    watch.claim([2], scheduled);
    expect(takenFrom(watch, catchUp)).toEqual(['a']);
    expect(takenFrom(watch)).toEqual([]);
    expect(watch.isElsewhere({ id: 'b', partition: 2 }, catchUp)).toBe(true);
    watch.giveBack(scheduled);
    expect(takenFrom(watch)).toEqual(['b', 'c']);
  });

  test('are forgotten when the batch that holds them ends, for the partitions that it has finished', () => {
    const watch = watchOf({ a: 1, b: 2, c: 3 });
    const batch = {};
    watch.claim([1, 2], batch);
    watch.finish(batch, [2, 3]);
    expect(Object.keys(watch.waitingIn(2, 9))).toEqual([]);
    expect(watch.size).toBe(2);
    watch.finish(batch);
    expect(takenFrom(watch)).toEqual(['c']);
  });

  test('stay if the batch could not send their requests again', () => {
    const watch = watchOf({ a: 1 });
    const batch = {};
    watch.claim([1], batch);
    const alarm = { id: 'a', partition: 1, projectId: 'p', ticket: 0 };
    watch.notSent(alarm, { now: NOW, lastMs: undefined, backend: 'prometheus', isPartial: false });
    watch.finish(batch);
    expect(takenFrom(watch)).toEqual(['a']);
  });

  test('of a partition that was lost and taken again are not forgotten by the batch from before', () => {
    const watch = watchOf({ a: 1 });
    const batch = {};
    watch.claim([1], batch);
    watch.drop([1]);
    const alarm = { id: 'a', partition: 1, projectId: 'p', ticket: 0 };
    watch.notSent(alarm, { now: NOW, lastMs: undefined, backend: 'prometheus', isPartial: false });
    watch.finish(batch);
    watch.giveBack(batch);
    expect(takenFrom(watch)).toEqual(['a']);
  });
});

describe('roundRobin', () => {
  test.each([
    { atMost: 0, picked: '' },
    { atMost: 4, picked: 'adfb' },
    { atMost: 5, picked: 'adfbe' },
    { atMost: 9, picked: 'adfbec' },
  ])('picks $atMost of the items of three groups: $picked', ({ atMost, picked }) => {
    expect(roundRobin(['abc', 'de', 'f'], atMost).join('')).toBe(picked);
  });

  test('reads no group again that has ended', () => {
    let reads = 0;
    const counted = (items: number): Iterable<number> => ({
      [Symbol.iterator]: () => ({
        next: () => {
          reads += 1;
          return items-- > 0 ? { value: items } : { done: true, value: undefined };
        },
      }),
    });
    const groups = [counted(1_000), ...Array.from({ length: 1_000 }, () => counted(1))];
    expect(roundRobin(groups, Infinity)).toHaveLength(2_000);
    expect(reads).toBe(2_000 + 1_001);
  });
});

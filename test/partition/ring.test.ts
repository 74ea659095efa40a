import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { PARTITIONS } from '../../src/alarm/partition-key.js';
import { buildRing, PARTITION_COUNT, shareOf } from '../../src/partition/ring.js';

const members = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 20 });
const RUNS = { numRuns: 60 };

function moved(before: readonly string[], after: readonly string[]): number {
  return before.filter((owner, partition) => after[partition] !== owner).length;
}

describe('the ring', () => {
  test('has as many partitions as alarms are spread over', () => {
    expect(PARTITION_COUNT).toBe(PARTITIONS);
  });

  test('without members is empty, and one member owns all of it', () => {
    expect(buildRing([])).toEqual([]);
    expect(shareOf(buildRing(['a']), 'a')).toHaveLength(PARTITION_COUNT);
    expect(shareOf(buildRing(['a']), 'b')).toEqual([]);
  });

  test('gives every partition to a member, and no member more than 1.15 of its fair share', () => {
    fc.assert(
      fc.property(members, (ids) => {
        const ring = buildRing(ids);
        const cap = Math.ceil((1.15 * PARTITION_COUNT) / ids.length);
        expect(ids.flatMap((id) => shareOf(ring, id)).sort((a, b) => a - b)).toEqual(
          ring.map((_, partition) => partition),
        );
        expect(Math.max(...ids.map((id) => shareOf(ring, id).length))).toBeLessThanOrEqual(cap);
      }),
      RUNS,
    );
  });

  test('of up to five members leaves no member below 0.75 of its fair share', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 5 }), (ids) => {
        const ring = buildRing(ids);
        const smallest = Math.min(...ids.map((id) => shareOf(ring, id).length));
        expect(smallest).toBeGreaterThanOrEqual((0.75 * PARTITION_COUNT) / ids.length);
      }),
      RUNS,
    );
  });

  test('does not depend on the order of the members, nor on duplicates', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 19 }), (ids, turn) => {
        const turned = [...ids.slice(turn), ...ids.slice(0, turn), ids[0] as string].reverse();
        expect(buildRing(turned)).toEqual(buildRing(ids));
      }),
      RUNS,
    );
  });

  test.each([1, 2, 3, 5, 8, 13, 20])(
    'of %i members moves about one fair share when a member joins, and back when it leaves',
    (n) => {
      const rounds = 10;
      let total = 0;
      for (let round = 0; round < rounds; round++) {
        const ids = Array.from({ length: n }, (_, member) => `evaluator-${round}-${member}`);
        const before = buildRing(ids);
        const after = buildRing([...ids, `evaluator-${round}-new`]);
        expect(buildRing(ids)).toEqual(before);
        total += moved(before, after);
      }
      expect(total / rounds).toBeLessThanOrEqual((2.5 * PARTITION_COUNT) / (n + 1));
    },
  );
});

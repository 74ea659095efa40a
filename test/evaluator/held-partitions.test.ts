import { expect, test } from '@jest/globals';

import { HeldPartitions } from '../../src/evaluator/held-partitions.js';

const INTERVAL = 80_000;
const at = (ms: number): Date => new Date(ms);

function holding(...partitions: { id: number; epoch: number; lastEvaluatedAt?: Date }[]): HeldPartitions {
  const held = new HeldPartitions();
  held.take(partitions.map(({ lastEvaluatedAt = at(0), ...rest }) => ({ ...rest, lastEvaluatedAt })));
  return held;
}

const dueAt = (held: HeldPartitions, ms: number): number[] => held.due(ms, INTERVAL).map(({ id }) => id);

test('a partition just taken over and overdue is due at once, one evaluated in its slot is not', () => {
  const held = new HeldPartitions();
  held.take([
    { id: 0, epoch: 1, lastEvaluatedAt: at(0) },
    { id: 8, epoch: 1, lastEvaluatedAt: at(80_500) },
    { id: 16, epoch: 1, lastEvaluatedAt: null },
  ]);
  expect(dueAt(held, 100_000)).toEqual([0, 16]);
});

test('a partition in hand is not due, and is not given away', () => {
  const held = holding({ id: 0, epoch: 1 });
  held.setBusy([{ id: 0, epoch: 1 }], true);
  expect(dueAt(held, 100_000)).toEqual([]);
  expect(held.isBusy(0)).toBe(true);
});

test('a batch from before a partition was taken again neither frees it, nor counts as its evaluation', () => {
  const held = holding({ id: 0, epoch: 5 });
  held.setBusy([{ id: 0, epoch: 5 }], true);
  held.drop([0]);
  held.take([{ id: 0, epoch: 7, lastEvaluatedAt: at(0) }]);
  held.setBusy([{ id: 0, epoch: 7 }], true);
  held.setBusy([{ id: 0, epoch: 5 }], false);
  held.evaluated([{ id: 0, epoch: 5 }], at(100_000));
  expect(held.isBusy(0)).toBe(true);
  held.setBusy([{ id: 0, epoch: 7 }], false);
  expect(dueAt(held, 100_000)).toEqual([0]);
  expect(held.epochOf(0)).toBe(7);
});

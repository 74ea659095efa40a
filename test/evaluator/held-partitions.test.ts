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

test('an overdue partition that was just taken over is due at once, one evaluated in its phase is not', () => {
  const held = new HeldPartitions();
  held.take([
    { id: 0, epoch: 1, lastEvaluatedAt: at(0) },
    { id: 8, epoch: 1, lastEvaluatedAt: at(80_500) },
    { id: 16, epoch: 1, lastEvaluatedAt: null },
  ]);
  expect(dueAt(held, 100_000)).toEqual([0, 16]);
});

test('a partition that a batch evaluates is neither due nor released', () => {
  const held = holding({ id: 0, epoch: 1 });
  held.begin([{ id: 0, epoch: 1 }]);
  expect(dueAt(held, 100_000)).toEqual([]);
  expect(held.isBusy(0)).toBe(true);
});

test('a batch may finish some partitions before others, and does not free those of the next batch', () => {
  const held = holding({ id: 0, epoch: 1 }, { id: 8, epoch: 1 });
  const both = [0, 8].map((id) => ({ id, epoch: 1 }));
  const next = [{ id: 0, epoch: 1 }];
  held.begin(both);
  held.end(both, next);
  expect(dueAt(held, 100_000)).toEqual([0]);
  held.begin(next);
  held.end(both);
  expect(dueAt(held, 100_000)).toEqual([8]);
  held.end(next);
  expect(dueAt(held, 100_000)).toEqual([0, 8]);
});

test('a batch from before a partition was taken again neither frees it nor counts as its evaluation', () => {
  const held = holding({ id: 0, epoch: 5 });
  const [before, after] = [[{ id: 0, epoch: 5 }], [{ id: 0, epoch: 7 }]];
  held.begin(before);
  held.drop([0]);
  held.take([{ id: 0, epoch: 7, lastEvaluatedAt: at(0) }]);
  held.begin(after);
  held.end(before);
  held.evaluated([{ id: 0, epoch: 5 }], at(100_000));
  expect(held.isBusy(0)).toBe(true);
  held.end(after);
  expect(dueAt(held, 100_000)).toEqual([0]);
  expect(held.epochOf(0)).toBe(7);
});

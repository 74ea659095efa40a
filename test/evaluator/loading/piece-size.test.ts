import { expect, test } from '@jest/globals';

import { PieceSize } from '../../../src/evaluator/loading/piece-size.js';

const SHORT = 100;

/** Reads pieces that take `msPerRow`, and returns the size of the next one. */
function sizeAfter(
  pieces: number,
  { msPerRow, charactersPerRow = SHORT }: { msPerRow: number; charactersPerRow?: number },
): number {
  const size = new PieceSize();
  for (let piece = 0; piece < pieces; piece += 1)
    size.read({ rows: size.rows, tookMs: size.rows * msPerRow, characters: size.rows * charactersPerRow });
  return size.rows;
}

test.each([
  { when: 'the database is quick', msPerRow: 0.01, rows: 4_000 },
  { when: 'a row takes a millisecond', msPerRow: 1, rows: 500 },
  { when: 'a row takes 20 ms', msPerRow: 20, rows: 31 },
  { when: 'a row takes seconds', msPerRow: 5_000, rows: 10 },
])('pieces have $rows rows when $when', ({ msPerRow, rows }) => {
  expect(sizeAfter(20, { msPerRow })).toBe(rows);
});

test('pieces of long rules have few rows, so that memory is bounded', () => {
  expect(sizeAfter(20, { msPerRow: 0.01, charactersPerRow: 50_000 }) * 50_000).toBeLessThanOrEqual(4_000_000);
});

test('pieces that are not full do not grow', () => {
  const size = new PieceSize();
  size.read({ rows: 3, tookMs: 1, characters: 3 * SHORT });
  expect(size.rows).toBe(500);
});

test('each failure makes the next try a quarter, and successes make it grow again', () => {
  const size = new PieceSize();
  size.failed();
  expect(size.rows).toBe(125);
  for (let tries = 0; tries < 10; tries += 1) size.failed();
  expect(size.rows).toBe(10);
  size.read({ rows: 10, tookMs: 1, characters: 10 * SHORT });
  expect(size.rows).toBe(20);
});

import { firstRows } from '../../src/async/pages.js';

/** All rows of a list that comes in pages. */
export function allOf<Row>(pages: AsyncIterable<readonly Row[]>): Promise<Row[]> {
  return firstRows(pages, Infinity);
}

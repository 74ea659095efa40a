import { expect, test } from '@jest/globals';

import { columnsOf, WrittenColumns } from '../../src/storage/written-columns.js';

interface Person {
  id: string;
  age: number;
}

const column = columnsOf<Person>();
const COLUMNS = new WrittenColumns({
  id: column('text', ({ id }) => id),
  age: column('integer', ({ age }) => age),
});

test('names, parameters and values of columns have the same order', () => {
  expect([COLUMNS.names, COLUMNS.parameters(), COLUMNS.count]).toEqual(['id, age', '$1::text, $2::integer', 2]);
  expect(COLUMNS.values({ age: 7, id: 'a' })).toEqual(['a', 7]);
});

test('parameters of columns can follow those of other columns', () => {
  expect(COLUMNS.parameters(23)).toBe('$23::text, $24::integer');
});

test('assignments of columns keep their parameters when other columns are left out', () => {
  expect([COLUMNS.parameter('age'), COLUMNS.assignments('id')]).toEqual(['$2::integer', 'age = $2::integer']);
});

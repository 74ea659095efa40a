import { describe, expect, test } from '@jest/globals';

import { MOVED_TABLES, TABLES_LEFT_BEHIND } from '../../../src/storage/transfer/moved-tables.js';
import { sourceOf } from '../../support/source-tree.js';

/** The lines of the schema: columns, indexes and constraints. */
const [COLUMNS = [], , CONSTRAINTS = []] = sourceOf('test/fixtures/schema.txt')
  .split('\n\n')
  .map((part) => part.trim().split('\n'));
const columns = COLUMNS.map((line) => {
  const [, table = '', name = '', rest = ''] = /^(\w+)\.(\w+) (.*)$/.exec(line) ?? [];
  return { table, name, type: rest.replace(/ (?:not null|default|identity).*$/, '') };
});
const MOVED = MOVED_TABLES.map(({ table }) => table);

describe('what tocsin export-data moves (src/storage/transfer/moved-tables.ts)', () => {
  test('is decided for every table of the schema, and for no other', () => {
    const decided = [...MOVED, ...Object.keys(TABLES_LEFT_BEHIND)];
    expect([...decided].sort()).toEqual([...new Set(columns.map(({ table }) => table))].sort());
  });

  test('has no number of a transaction, since those of another server may be lower', () => {
    const numbers = columns.filter(({ table, type }) => MOVED.includes(table) && type === 'xid8');
    const moved = numbers.filter(
      ({ table, name }) => !(name in (MOVED_TABLES.find((one) => one.table === table)?.fresh ?? {})),
    );
    expect(numbers.length).toBeGreaterThan(0);
    expect(moved).toEqual([]);
  });

  test('has the key checked of every column that tocsin secrets rotate counts', () => {
    const counted = sourceOf('src/storage/secrets/rotate-secrets.ts').matchAll(
      /from (\w+) where not starts_with\((\w+), \$1\)/g,
    );
    const sealed = MOVED_TABLES.flatMap(({ table, sealed: names = [] }) => names.map((name) => `${table}.${name}`));
    expect([...counted].map(([, table, name]) => `${table}.${name}`).sort()).toEqual(sealed.sort());
  });

  test('names no column that does not exist', () => {
    const known = new Set(columns.map(({ table, name }) => `${table}.${name}`));
    const named = MOVED_TABLES.flatMap(({ table, fresh = {}, sealed = [] }) =>
      [...Object.keys(fresh), ...sealed].map((name) => `${table}.${name}`),
    );
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test('has each table after those that it refers to', () => {
    const references = CONSTRAINTS.flatMap((line) => {
      const [, table = '', target = ''] = /^(\w+) \w+ FOREIGN KEY .* REFERENCES (\w+)/.exec(line) ?? [];
      return table === '' ? [] : [{ table, target }];
    });
    expect(references.length).toBeGreaterThan(0);
    expect(references.filter(({ table, target }) => MOVED.indexOf(target) > MOVED.indexOf(table))).toEqual([]);
  });
});

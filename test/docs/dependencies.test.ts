import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { plain, tablesOf } from '../support/markdown.js';

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', object>;
const [needed, copied] = tablesOf(read('docs/dependencies.md')).map(({ rows }) => rows);
const namesIn = (rows: string[][] = []): string[] => rows.map(([name = '']) => plain(name));

test('docs/dependencies.md lists every package that the program needs, and no other', () => {
  expect(namesIn(needed)).toEqual(Object.keys(manifest.dependencies).sort());
});

test('docs/dependencies.md lists every package of which the build copies files, and no other', () => {
  const [, list = ''] = /COPIED = \[([^\]]*)\]/.exec(read('scripts/check-packages.mjs')) ?? [];
  expect(list).not.toBe('');
  expect(namesIn(copied)).toEqual(list.split(', ').map((name) => name.slice(1, -1)));
  expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining(namesIn(copied)));
});

test('docs/dependencies.md says for every package what it is for and why it is not own code', () => {
  const incomplete = [...(needed ?? []), ...(copied ?? [])].filter((row) => row.length !== 3 || row.includes(''));
  expect(incomplete).toEqual([]);
});

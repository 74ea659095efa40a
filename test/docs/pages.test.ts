import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { plain, tablesOf } from '../support/markdown.js';
import { filesOf, sourceOf } from '../support/source-tree.js';

const ROOT_PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'];
const PAGES = [...ROOT_PAGES, ...filesOf('docs', '.md')];
const ROOT = new URL('../../../', import.meta.url);
/** Invented words that the glossary may have. */
const MOST_WORDS = 24;

/** Code is no prose: its brackets are no links, and its `#` are no headings. */
function proseOf(page: string): string {
  return sourceOf(page).replace(/^```[\s\S]*?^```$/gm, '');
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Targets of links within the repository, relative to its root. */
function linksOf(page: string): { file: string; anchor: string }[] {
  return [...proseOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, target = '', anchor = '']) => ({
      file: target === '' ? page : path.join(path.dirname(page), target),
      anchor,
    }),
  );
}

describe.each(PAGES)('%s', (page) => {
  test('has no link to a file or a heading that does not exist', () => {
    const broken = linksOf(page).filter(({ file, anchor }) => {
      if (!existsSync(new URL(file, ROOT))) return true;
      return anchor !== '' && !anchorsOf(file).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

test('docs/README.md links every page of docs/', () => {
  const linked = new Set(linksOf('docs/README.md').map(({ file }) => file));
  expect(PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !linked.has(page))).toEqual(
    [],
  );
});

test('docs/glossary.md defines at most two dozen words, in alphabetical order', () => {
  const words = tablesOf(sourceOf('docs/glossary.md'))
    .flatMap(({ rows }) => rows)
    .map(([word = '']) => plain(word).replaceAll('*', ''));
  expect(words.length).toBeGreaterThan(10);
  expect(words.length).toBeLessThanOrEqual(MOST_WORDS);
  expect(words).toEqual([...words].sort());
});

test('CHANGELOG.md has a heading for the version of package.json', () => {
  const { version } = JSON.parse(sourceOf('package.json')) as { version: string };
  expect(sourceOf('CHANGELOG.md')).toMatch(
    new RegExp(`^## ${version.replaceAll('.', '\\.')} - \\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );
});

test('docs/operations.md has no figure in its table of sizes that docs/performance.md does not have', () => {
  const [table] = tablesOf(sourceOf('docs/operations.md')).filter(({ columns }) => columns[1]?.trim() === 'measured');
  const figures = (table?.rows ?? []).map(([, figure = '']) => plain(figure).trim());
  expect(figures.length).toBeGreaterThan(3);
  const measured = new Set(sourceOf('docs/performance.md').split(/[\s|;]+/));
  expect(figures.filter((figure) => !measured.has(figure))).toEqual([]);
});

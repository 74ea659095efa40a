import { expect, jest, test } from '@jest/globals';
import { RE2JS } from 're2js';

import { SearchPatterns } from '../../src/api/schema/search-pattern.js';

/** What compiling these patterns for one filter gives, and how many of them RE2 compiles. */
function compiledOf(sources: readonly string[]): { last: unknown; compilations: number } {
  const compile = jest.spyOn(RE2JS, 'compile');
  const patterns = new SearchPatterns();
  const last = sources.map((source) => patterns.compile(source)).at(-1);
  const { length } = compile.mock.calls;
  compile.mockRestore();
  return { last, compilations: length };
}

test.each([
  ['[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'],
  [String.raw`^(?:\d{1,3}\.){3}\d{1,3}$`],
  [String.raw`(?i)^Größe-\pL+-[äöü]-\d{2,}$`],
  ['(a|b){20}'],
])('the pattern %s is compiled', (source) => {
  expect(compiledOf([source])).toEqual({ last: expect.objectContaining({ source }), compilations: 1 });
});

test.each([
  ['a long group a thousand times', [`(${'a'.repeat(240)}){1000}`]],
  ['groups within groups', [`((${'a'.repeat(230)}){100}){10}`]],
  ['an open repetition', [`(${'a'.repeat(240)}){500,}`]],
  ['wide ranges in both cases', [`(?i)[${'B-𞤀'.repeat(50)}]`]],
  ['escaped ranges in both cases', [String.raw`(?si)[${'B-\\x{1E900}'.repeat(15)}]`]],
  ['many classes', [String.raw`\pL`.repeat(80)]],
])('a pattern with %s is refused before RE2 compiles it', (_, sources) => {
  expect(compiledOf(sources)).toEqual({ last: 'its regular expressions are too complex', compilations: 0 });
});

test('the cost of all patterns of a filter is limited', () => {
  const sources = Array<string>(100).fill(String.raw`(?i)[^\pL\pN]`);
  expect(compiledOf(sources)).toEqual({ last: 'its regular expressions are too complex', compilations: 19 });
});

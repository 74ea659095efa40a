import { expect, test } from '@jest/globals';

import { parseNanTolerantJson } from '../../../src/datasource/gnocchi/client/nan-tolerant-json.js';
import { BackendUnavailable } from '../../../src/http/backend-unavailable.js';

const BYTES = 8 * 1024 * 1024;

test.each<[string, unknown]>([
  ['[1, NaN, -Infinity, Infinity]', [1, null, -Infinity, Infinity]],
  [
    String.raw`{"NaN": NaN, "a\"NaN": "\\", "b": [-Infinity, "-Infinity"]}`,
    { NaN: null, 'a"NaN': '\\', b: [-Infinity, '-Infinity'] },
  ],
  ['["NaN"]', ['NaN']],
])('%s is parsed, with null for NaN', (text, expected) => {
  expect(parseNanTolerantJson(text)).toEqual(expected);
});

test('a text as long as an answer may be is parsed', () => {
  const long = 'a'.repeat(BYTES);
  expect(parseNanTolerantJson(`[NaN, "${long}"]`)).toEqual([null, long]);
});

// Texts for which a parser that starts again at every quote takes hours.
test.each([
  '[NaN, NaN',
  '[\\I]',
  `NaN"${'\\"'.repeat(BYTES / 2)}`,
  `NaN"${'a'.repeat(BYTES)}`,
  `NaN${'-'.repeat(BYTES)}x`,
])('a text with other faults is refused (%#)', (text) => {
  expect(() => parseNanTolerantJson(text)).toThrow(BackendUnavailable);
});

import { expect, test } from '@jest/globals';

import { parseNanTolerantJson } from '../../../src/datasource/gnocchi/client/nan-tolerant-json.js';
import { BackendUnavailable } from '../../../src/datasource/gate/backend-unavailable.js';

const BYTES = 8 * 1024 * 1024;

test.each<[string, unknown]>([
  ['[1, NaN, -Infinity, Infinity]', [1, null, -Infinity, Infinity]],
  [
    String.raw`{"NaN": NaN, "a\"NaN": "\\", "b": [-Infinity, "-Infinity"]}`,
    { NaN: null, 'a"NaN': '\\', b: [-Infinity, '-Infinity'] },
  ],
  ['["NaN"]', ['NaN']],
])('%s is read, with null for NaN', (text, expected) => {
  expect(parseNanTolerantJson(text)).toEqual(expected);
});

test('a text as long as an answer may be is read', () => {
  const long = 'a'.repeat(BYTES);
  expect(parseNanTolerantJson(`[NaN, "${long}"]`)).toEqual([null, long]);
});

// Each keeps a reader busy for hours that begins anew at every quote.
test.each([
  '[NaN, NaN',
  '[\\I]',
  `NaN"${'\\"'.repeat(BYTES / 2)}`,
  `NaN"${'a'.repeat(BYTES)}`,
  `NaN${'-'.repeat(BYTES)}x`,
])('what is no JSON in other ways too is refused, however it goes on (%#)', (text) => {
  expect(() => parseNanTolerantJson(text)).toThrow(BackendUnavailable);
});

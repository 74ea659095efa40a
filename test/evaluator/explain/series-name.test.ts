import { expect, test } from '@jest/globals';

import { seriesName } from '../../../src/evaluator/explain/series-name.js';

const web = { __name__: 'cpu', host: 'a', mode: 'user' };

test.each([
  ['by the label in which it differs', [web, { ...web, host: 'b' }], '{host="a"}'],
  [
    'by all in which it differs from any',
    [web, { ...web, host: 'b' }, { ...web, mode: 'idle' }],
    '{host="a", mode="user"}',
  ],
  ['by a label that others do not have', [web, { __name__: 'cpu', mode: 'user' }], '{host="a"}'],
  ['by the name of its metric, where that differs', [web, { ...web, __name__: 'load' }], 'cpu'],
  ['by both', [web, { ...web, __name__: 'load', host: 'b' }], 'cpu{host="a"}'],
  ['by all that it has, where it differs in none', [web, web], 'cpu{host="a", mode="user"}'],
  ['by all that it has, where it is alone', [web], 'cpu{host="a", mode="user"}'],
  ['by nothing, where it has no label', [{}, web], '{}'],
  [
    'with quotes where PromQL needs them',
    [{ 'k8s.pod': 'a"\n', __name__: 'http.wait' }],
    '{"k8s.pod"="a\\"\\n", __name__="http.wait"}',
  ],
  ['by a metric as recording rules name it', [{ __name__: 'job:up:sum' }], 'job:up:sum'],
])('a series is called %s', (_, all, name) => expect(seriesName(all)(all[0]!)).toBe(name));

test('a label with the name of a built-in property of objects is a label like others', () => {
  const odd = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
  expect(seriesName([odd, {}])(odd)).toBe('{__proto__="a", constructor="b"}');
});

test('a long name does not end within a character', () => {
  const labels = { host: `h${'\u{1f600}'.repeat(100)}` };
  expect(seriesName([labels])(labels)).toBe(`{host="h${'\u{1f600}'.repeat(56)}…`);
});

test('a long name ends after 120 characters', () => {
  expect(seriesName([{ host: 'h'.repeat(5_000) }])({ host: 'h'.repeat(5_000) })).toBe(`{host="${'h'.repeat(113)}…`);
});

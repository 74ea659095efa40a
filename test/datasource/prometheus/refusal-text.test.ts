import { describe, expect, test } from '@jest/globals';

import { isFaultOfQuery, refusalText } from '../../../src/datasource/prometheus/refusal-text.js';

const OWN = { written: 'cpu{', sent: 'cpu{' };
const NARROWED = { written: 'foo(cpu{mode="user"})', sent: 'foo(cpu{mode="user",project="p-secret"})' };

function said(type: string, message: string, query = OWN): string {
  const text = refusalText({ status: 400, type, message }, query);
  return text.replace('alarm statistics retrieval failed: ', '').replace(' (HTTP 400)', '');
}

describe('the text of a refusal for the author of a query', () => {
  test("is Prometheus' own text if the query is sent as written", () => {
    expect(refusalText({ status: 400, type: 'bad_data', message: '1:5: parse error: unexpected end' }, OWN)).toBe(
      'alarm statistics retrieval failed: bad_data: 1:5: parse error: unexpected end (HTTP 400)',
    );
  });

  test('names no position in a query that was changed', () => {
    expect(said('bad_data', 'invalid parameter "query": 1:1: parse error: unknown function', NARROWED)).toBe(
      'bad_data: invalid parameter "query": parse error: unknown function',
    );
  });

  test.each(['unknown function with name "foo"', 'unexpected "user"'])('may quote the written query: %s', (message) => {
    expect(said('bad_data', message, NARROWED)).toBe(`bad_data: ${message}`);
  });

  test.each([
    'unexpected "p-secret"',
    'in {mode="user",project="p-secret"}',
    "unexpected 'p-secret'",
    'unexpected `p-secret`',
    'at "proj',
  ])('does not quote the text that was added to it: %s', (message) =>
    expect(said('bad_data', message, NARROWED)).toBe('bad_data: the query is not valid'),
  );

  test.each([
    'dial tcp 10.0.0.7:9090: refused',
    'Post http://store/api',
    'upstream store-0.thanos.svc:10901 says no',
    'at [::1]:9090',
    'lookup store',
    'localhost:9090',
  ])('names no host: %s', (message) => expect(said('bad_data', message)).toBe('bad_data: the query is not valid'));

  test('is short and printable', () => {
    expect(said('bad_data', `a\u0000\r\n\u202eb${'x'.repeat(1_000)}`)).toBe(`bad_data: a b${'x'.repeat(197)}`);
  });

  test('is found at once in a text of any length', () => {
    expect(said('bad_data', 'x'.repeat(4_000_000))).toBe(`bad_data: ${'x'.repeat(200)}`);
  });

  test('does not end within a character', () => {
    expect(said('bad_data', `b${'\u{1f600}'.repeat(200)}`)).toBe(`bad_data: b${'\u{1f600}'.repeat(99)}`);
  });

  test.each([
    ['ends', 'x'.repeat(300)],
    ['is cut off', 'x'.repeat(2_000)],
    ['is cut off after a backslash', '\\.'.repeat(1_000)],
  ])('does not quote the added text if the quotation %s beyond the part that is shown', (_, rest) => {
    expect(said('bad_data', `unexpected "p-secret ${rest}"`, NARROWED)).toBe('bad_data: the query is not valid');
  });

  test.each(['execution', 'too_large', '422'])('is a fixed text for %s if the refusal names a host', (type) => {
    expect(said(type, 'anything at 10.0.0.7')).toBe(`${type}: the query cannot be executed`);
  });

  test('may quote labels of series, for a query that was sent as written', () => {
    const message = 'found {instance="10.0.0.7:9100", path="/a\\"}"} on the left';
    expect(said('execution', message)).toBe(`execution: ${message}`);
    expect(said('bad_data', message)).toBe(`bad_data: ${message}`);
    expect(said('execution', message, NARROWED)).toBe('execution: the query cannot be executed');
    expect(said('execution', `${message} of 10.0.0.8`)).toBe('execution: the query cannot be executed');
  });

  test.each(['{"service.name"="10.0.0.7:9100"}', '{"host.load", a="b", "k8s.node"="dial 10.0.0.7"}'])(
    'may quote labels whose names are quoted, for a query that was sent as written: %s',
    (labels) => {
      expect(said('execution', `found ${labels} on the left`)).toBe(`execution: found ${labels} on the left`);
      expect(said('execution', `found ${labels} at 10.0.0.8`)).toBe('execution: the query cannot be executed');
      expect(said('execution', `found ${labels} on the left`, NARROWED)).toBe(
        'execution: the query cannot be executed',
      );
    },
  );

  test('does not repeat unknown types', () => {
    expect(said('see http://10.0.0.7', 'x')).toBe('error: the query cannot be executed');
  });
});

test.each([
  [400, 'bad_data', 'invalid parameter "query": 1:5: parse error: unexpected end of input', true],
  [400, 'bad_data', '1:5: parse error: unexpected end of input', true],
  [400, 'bad_data', 'exceeded maximum resolution of 11,000 points per timeseries', false],
  [422, 'execution', 'found duplicate series for the match group {instance="parse error"}', false],
  [413, 'too_large', '', false],
  [200, 'bad_result', 'the query gives a scalar, not a matrix', true],
])('a refusal with status %d, type %s and text %s is about the text of the query: %s', (status, type, message, is) => {
  expect(isFaultOfQuery({ status, type, message })).toBe(is);
});

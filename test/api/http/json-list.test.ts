import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { JsonList } from '../../../src/api/http/json-list.js';
import { refuseUnreasonable } from '../../../src/api/http/json-limits.js';

const INVALID = 'Request is not in valid JSON format';

/** The result of reading a body: its value and number of pieces, or the text of the refusal. */
async function read(body: string | Buffer): Promise<{ value: unknown; slices: number } | string> {
  let slices = 1;
  const nextTimeSlice = (): Promise<void> => Promise.resolve(void (slices += 1));
  try {
    const list = await JsonList.parse(Buffer.from(body), { nextTimeSlice });
    return { value: await list.value(), slices };
  } catch (refusal) {
    return (refusal as Error).message;
  }
}

/** The same with `JSON.parse` for the whole body. */
function readWhole(body: string | Buffer): { value: unknown } | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(body)));
  } catch {
    return INVALID;
  }
  try {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) refuseUnreasonable(item);
    return { value };
  } catch (refusal) {
    return (refusal as Error).message;
  }
}

async function expectAsWhole(body: string | Buffer): Promise<void> {
  const expected = readWhole(body);
  const found = await read(body);
  if (typeof expected === 'string') expect(found).toBe(expected);
  else expect(found).toMatchObject(expected);
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 3 });
const token = fc.constantFrom(
  ...['[', ']', '{', '}', ',', ':', '"', '\\', '\\"', '\\u0022', '\\ud83d\\udea8', '\\ud800', '\\u0000', '"a"', '"a":'],
  ...[
    '1',
    '-0',
    '1e999',
    '-1e-999',
    '01',
    '0x1',
    '9007199254740993',
    'NaN',
    'null',
    'true',
    'fals',
    '\ufeff',
    '🚨',
    ' ',
  ],
  ...['{"a":1,"a":2}', '{"__proto__":1}', '[[]]', '"[,]"', '"}{"', '\u00a0', '\u2028', '/**/', "'a'"],
);
const soup = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
const written = fc
  .tuple(fc.array(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), { maxLength: 8 }), space, space, fc.boolean())
  .map(([items, before, between, isPretty]) => {
    const texts = items.map((item) => JSON.stringify(item, null, isPretty ? 1 : 0));
    return `${before}[${between}${texts.join(`${between},${before}`)}${before}]${between}`;
  });
const cut = fc.tuple(written, fc.nat(), fc.nat(), soup).map(([text, at, length, instead]) => {
  const start = at % (text.length + 1);
  return text.slice(0, start) + instead + text.slice(start + (length % 3));
});

describe('a body is read as JSON.parse reads it', () => {
  test.each([
    [
      'tokens in any order',
      fc.oneof(
        soup,
        soup.map((text) => `[${text}]`),
      ),
    ],
    ['lists with any spacing', written],
    ['lists with a part replaced', cut],
  ])('%s', async (_, bodies) => {
    await fc.assert(fc.asyncProperty(bodies, expectAsWhole), { numRuns: 1_000 });
  });

  test('bytes that are no UTF-8', async () => {
    const bytes = fc.array(fc.constantFrom(0x5b, 0x5d, 0x22, 0x2c, 0x31, 0x5c, 0xc3, 0xa9, 0xef, 0xbb, 0xbf, 0xff));
    await fc.assert(
      fc.asyncProperty(
        bytes.map((some) => Buffer.from(some)),
        expectAsWhole,
      ),
      { numRuns: 1_000 },
    );
  });

  const many = (item: string, count = 1_000): string => `[${Array(count).fill(item).join(',')}]`;
  test.each([
    ['a hundred thousand open brackets', '['.repeat(100_000)],
    ['a hundred thousand nested lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['a hundred thousand closed brackets', ']'.repeat(100_000)],
    ['a long string that does not end', `["${'x'.repeat(100_000)}`],
    ['a backslash as its last byte', '["\\'],
    ['an item that is too deep before text that is no JSON', `${many('1')}[${'['.repeat(17)}${']'.repeat(17)},x]`],
    ['an unreasonable item before text that is no JSON', `[{"__proto__":1},${many('1').slice(1, -1)},x]`],
    ['an unreasonable item among many', `[{"constructor":1},${many('1').slice(1)}`],
    ['a byte order mark at the start', `\ufeff${many('"é"')}`],
    ['a byte order mark before an item', `[1,${many('1').slice(1, -1)},\ufeff1]`],
    ['a comma at the end of many', `${many('1').slice(0, -1)},]`],
    ['a comma at the end of a piece', `[${'1,'.repeat(250)}]`],
    ['another bracket at the end', `${many('1').slice(0, -1)}}`],
    ['text after the end', `${many('1')} 1`],
    ['an object', '{"a": [1, 2]}'],
    ['two values', '1,2'],
    ['spaces only', '  '],
    ['many items', many('{"a": ["]", "\\"", {"b": 1e999}]}')],
  ])('%s', async (_, body) => expectAsWhole(body));
});

test('a long list is read in pieces, with a time slice for each', async () => {
  const items = Array.from({ length: 10_000 }, (_, index) => ({ index, text: 'x'.repeat(50) }));
  const found = await read(JSON.stringify(items));
  expect(found).toMatchObject({ value: items, slices: expect.closeTo(2 * (10_000 / 250), -1) });
});

test('an item, or space around the list, of more than 512 KiB is refused', async () => {
  const long = 'x'.repeat(512 * 1024);
  const spaces = ' '.repeat(512 * 1024 + 1);
  const refusal = 'in the request body is larger than 524288 bytes';
  for (const body of [`["${long}"]`, `"${long}"`, `["${long}${long}`, `[{"a": [${'1,'.repeat(300_000)}1]}]`])
    expect(await read(body)).toBe(`Item [0] ${refusal}`);
  for (const many of [1, 300]) expect(await read(`[${'1,'.repeat(many)}"${long}"]`)).toBe(`Item [${many}] ${refusal}`);
  for (const body of [`[]${spaces}`, `${spaces}[]`])
    expect(await read(body)).toBe(`The space around the list ${refusal}`);
  expect(await read(`["${long.slice(2)}"]`)).toMatchObject({ value: [long.slice(2)] });
});

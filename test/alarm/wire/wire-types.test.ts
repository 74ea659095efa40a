import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';

import {
  optional,
  pythonText,
  wireBool,
  wireEnum,
  wireFloat,
  wireInt,
  wireList,
  wireText,
} from '../../../src/alarm/wire/wire-types.js';

function read(schema: z.ZodType, value: unknown): unknown {
  const { success, data, error } = schema.safeParse(value);
  return success ? data : `refused: ${error.issues.map(({ message }) => message).join('; ')}`;
}

describe('the input types of Aodh', () => {
  const text = wireText({ max: 5 });
  const bool = wireBool();
  const int = wireInt({ min: 1, max: 100 });
  const float = wireFloat();
  const choice = wireEnum(['low', 'critical']);
  const list = wireList(wireText(), { max: 2 });

  test.each([
    ['text', text, 'abc', 'abc'],
    ['text', text, '', ''],
    ['text', text, 1, "refused: Wrong type. Expected '<class 'str'>', got '<class 'int'>'"],
    ['text', text, 1.5, "refused: Wrong type. Expected '<class 'str'>', got '<class 'float'>'"],
    ['text', text, true, "refused: Wrong type. Expected '<class 'str'>', got '<class 'bool'>'"],
    ['text', text, ['a'], "refused: Wrong type. Expected '<class 'str'>', got '<class 'list'>'"],
    ['text', text, { a: 1 }, "refused: Wrong type. Expected '<class 'str'>', got '<class 'dict'>'"],
    ['text', text, 'abcdef', 'refused: Value should have a maximum character requirement of 5'],
    ['text', text, 'a\u0000', 'refused: Value should not contain control characters'],
    ['text', text, undefined, 'refused: Mandatory field missing.'],
    ['text', text, null, 'refused: Mandatory field missing.'],
    ...['true', 't', 'yes', 'y', 'on', '1', true, 1, 7, -1].map((value) => ['bool', bool, value, true] as const),
    ...['false', 'f', 'no', 'n', 'off', '0', false, 0].map((value) => ['bool', bool, value, false] as const),
    ['bool', bool, 'maybe', 'refused: Value not an unambiguous boolean: maybe'],
    ['bool', bool, 'False', 'refused: Value not an unambiguous boolean: False'],
    ['bool', bool, '', 'refused: Value not an unambiguous boolean: '],
    ['int', int, 3, 3],
    ['int', int, '3', 3],
    ['int', int, 1.5, 1],
    ['int', int, 'x', "refused: invalid literal for int() with base 10: 'x'"],
    ['int', int, '1.5', "refused: invalid literal for int() with base 10: '1.5'"],
    ['int', int, 0, 'refused: Value should be greater or equal to 1'],
    ['int', int, 101, 'refused: Value should be lower or equal to 100'],
    ['float', float, 1, 1],
    ['float', float, '1.5', 1.5],
    ['float', float, '1e3', 1000],
    ['float', float, true, 1],
    ['float', float, 'x', "refused: could not convert string to float: 'x'"],
    ['float', float, '0x10', "refused: could not convert string to float: '0x10'"],
    ['float', float, '1e999', 'refused: Value should be a finite number'],
    ['enum', choice, 'low', 'low'],
    ['enum', choice, 'urgent', 'refused: Value should be one of: low, critical'],
    ['enum', choice, 1, 'refused: Value should be one of: low, critical'],
    ['list', list, ['a', 'b'], ['a', 'b']],
    ['list', list, [], []],
    ['list', list, 'http://x', 'refused: Value not a valid list: http://x'],
    ['list', list, [3], "refused: Wrong type. Expected '<class 'str'>', got '<class 'int'>'"],
    ['list', list, ['a', 'b', 'c'], 'refused: Value should have at most 2 members'],
  ] as [string, z.ZodType, unknown, unknown][])('%s: case %#', (_, schema, value, expected) => {
    expect(read(schema, value)).toEqual(expected);
  });

  test('an optional field may be absent or null', () => {
    const schema = optional(int, 60);
    expect([undefined, null, '7', 'x'].map((value) => read(schema, value))).toEqual([
      60,
      60,
      7,
      "refused: invalid literal for int() with base 10: 'x'",
    ]);
  });
});

test.each([
  [null, 'None'],
  [true, 'True'],
  [false, 'False'],
  ['x', 'x'],
  [1, '1'],
])('%p is printed as %s', (value, expected) => {
  expect(pythonText(value)).toBe(expected);
});

test('the first invalid member of a list ends its check', () => {
  let checked = 0;
  const member = wireInt({ max: 5 }).refine((number) => (checked += 1) > 0 && number !== 3, 'three');
  const { error } = wireList(member).safeParse([1, 2, 3, 'x', ...Array<number>(10_000).fill(4)]);
  expect(error?.issues).toEqual([expect.objectContaining({ path: [2], message: 'three' })]);
  expect(checked).toBe(3);
});

test.each([wireBool(), wireInt(), wireFloat(), wireList(wireText())])(
  'a refusal repeats 200 characters of a long value',
  (schema) => {
    expect(read(schema, 'x'.repeat(10_000))).toMatch(/^refused: [^x]*x{200}…'?$/);
  },
);

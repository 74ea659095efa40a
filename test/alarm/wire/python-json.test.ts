import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  parsedForPython,
  pythonFloat,
  PythonFloat,
  pythonJson,
  pythonRepr,
  pythonSpaced,
  RawJson,
  type PythonValue,
} from '../../../src/alarm/wire/python-json.js';

describe('a float is printed as Python prints it', () => {
  // The right column is the output of repr() of CPython 3.
  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [85, '85.0'],
    [-85.5, '-85.5'],
    [0.1, '0.1'],
    [1 / 3, '0.3333333333333333'],
    [123456.789, '123456.789'],
    [1e15, '1000000000000000.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [-1e16, '-1e+16'],
    [1.5e16, '1.5e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e21, '1e+21'],
    [1e100, '1e+100'],
    [0.0001, '0.0001'],
    [0.00012345, '0.00012345'],
    [0.00001, '1e-05'],
    [0.000015, '1.5e-05'],
    [5e-324, '5e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [NaN, 'nan'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
  ])('%p as %s', (value, expected) => {
    expect(pythonFloat(value)).toBe(expected);
  });

  test('and is read back as the same number, never as an integer', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = pythonFloat(value);
        expect(text).toMatch(/[.e]/);
        expect(Object.is(Number(text), value)).toBe(true);
      }),
    );
  });
});

describe('JSON is written as Python writes it', () => {
  test.each<[string, PythonValue, string]>([
    ['separators have blanks', { a: [1, 2], b: 'x' }, '{"a": [1, 2], "b": "x"}'],
    ['empty containers have none', { a: [], b: {} }, '{"a": [], "b": {}}'],
    ['keys keep their order', { b: 1, a: 2 }, '{"b": 1, "a": 2}'],
    ['absent members are left out, null is kept', { a: undefined, b: null }, '{"b": null}'],
    ['booleans', [true, false], '[true, false]'],
    ['whole numbers are ints', 3, '3'],
    ['large whole numbers have no exponent', 1e21, '1000000000000000000000'],
    ['floats say that they are', new PythonFloat(3), '3.0'],
    ['NaN is no JSON', [new PythonFloat(NaN), NaN, Infinity], '[null, null, null]'],
    ['JSON that is there already is embedded', { rule: new RawJson('{"a":1}') }, '{"rule": {"a":1}}'],
    ['Latin letters beyond ASCII are escaped', 'caf\u00e9', '"caf\\u00e9"'],
    ['so are signs', '\u20ac', '"\\u20ac"'],
    ['a pair of surrogates is two escapes', '\u{1F600}', '"\\ud83d\\ude00"'],
    ['half a pair is one', '\ud800 lone', '"\\ud800 lone"'],
    ['DEL is escaped, unlike in JSON.stringify', '\u007f', '"\\u007f"'],
    ['line separators are escaped', '\u2028', '"\\u2028"'],
    ['control characters', '\t\n\u0000\u001f', '"\\t\\n\\u0000\\u001f"'],
    ['quotes and backslashes, but no slashes', 'q" b\\ /', '"q\\" b\\\\ /"'],
    ['keys are escaped too', { '\u00e9': 1 }, '{"\\u00e9": 1}'],
  ])('%s', (_, value, expected) => {
    expect(pythonJson(value)).toBe(expected);
  });

  test('it is ASCII and means the same as the text of JSON.stringify', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = pythonJson(value);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('JSON text in the spacing of Python', () => {
  test.each([
    ['{"a":[1,2],"b":{}}', '{"a": [1, 2], "b": {}}'],
    [' [\n  true ,\tnull ] ', '[true, null]'],
    ['{"a:b,c": "{ } \\" , :"}', '{"a:b,c": "{ } \\" , :"}'],
    ['["\\u0061\\/", "é"]', '["a/", "\\u00e9"]'],
    ['[1.0, -1E5, 12345678901234567890]', '[1.0, -1E5, 12345678901234567890]'],
    ['{"a": 1, "a": 2}', '{"a": 1, "a": 2}'],
  ])('%s', (json, expected) => {
    expect(pythonSpaced(json)).toBe(expected);
  });

  test('means the same, and does not change again', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(3), (json, indent) => {
        const spaced = pythonSpaced(JSON.stringify(JSON.parse(json), null, indent));
        expect(JSON.parse(spaced)).toEqual(JSON.parse(json));
        expect(pythonSpaced(spaced)).toBe(spaced);
      }),
    );
  });
});

describe('a value in messages is printed as in Python', () => {
  // The right column is the output of repr() of CPython 3.
  test.each([
    [null, 'None'],
    [{ a: [true, 1.5, 'x'], b: {} }, "{'a': [True, 1.5, 'x'], 'b': {}}"],
    ["it's", `"it's"`],
    [`it's "it"`, `'it\\'s "it"'`],
    ['a\\b\nc é', "'a\\\\b\\nc é'"],
  ])('%j', (value, expected) => {
    expect(pythonRepr(value)).toBe(expected);
  });
});

// The right columns are the outputs of repr() of CPython 3: of the text, and of the value that its json parses.
describe('a text is quoted as Python quotes it', () => {
  test.each([
    ["it's", '"it\'s"'],
    ['say "x"', '\'say "x"\''],
    ['it\'s "x"', "'it\\'s \"x\"'"],
    ['a\\b', "'a\\\\b'"],
    ['\t\n\r\b\f\u0000\u001f', "'\\t\\n\\r\\x08\\x0c\\x00\\x1f'"],
    ['\u007f\u0080\u00a0\u00ad', "'\\x7f\\x80\\xa0\\xad'"],
    ['caf\u00e9 \u20ac', "'caf\u00e9 \u20ac'"],
    ['\u200b\u2028\u3000', "'\\u200b\\u2028\\u3000'"],
    ['\ud83d\ude00', "'\ud83d\ude00'"],
    ['\ud800', "'\\ud800'"],
    ['\ue000', "'\\ue000'"],
    ['\u0378', "'\\u0378'"],
    ['\udb40\udc01 x', "'\\U000e0001 x'"],
    ["\\'", '"\\\\\'"'],
  ])('%j as %j', (text, expected) => {
    expect(pythonRepr(text)).toBe(expected);
  });
});

describe('JSON is quoted with its numbers as Python reads them', () => {
  test.each([
    ['[["m", "mean", 17.0]]', "[['m', 'mean', 17.0]]"],
    ['{"a": [1.0, -0.0, 1e22, 1e-7, 1E5, 60]}', "{'a': [1.0, -0.0, 1e+22, 1e-07, 100000.0, 60]}"],
    ['[12345678901234567890, -9007199254740993, 0, -0]', '[12345678901234567890, -9007199254740993, 0, 0]'],
    ['{"1.0": "2.0", "x\\"1.5": "e1"}', "{'1.0': '2.0', 'x\"1.5': 'e1'}"],
    ['[true, false, null, [], {}]', '[True, False, None, [], {}]'],
    ['1.5', '1.5'],
    ['"1.5"', "'1.5'"],
  ])('%s', (json, expected) => {
    expect(pythonRepr(parsedForPython(json))).toBe(expected);
  });

  test.each(['01', '[1.]', '{', '"\u0000', '[NaN]'])('and invalid JSON is refused: %s', (json) => {
    expect(() => parsedForPython(json)).toThrow(SyntaxError);
  });
});

import fc from 'fast-check';

import { anyCharacter } from '../../support/any-character.js';

/** Text that is JSON, or nearly so. */
export type Text = fc.Arbitrary<string>;

/** Levels that no function which calls itself comes through: the stack holds 8,000 to 16,000 calls. */
const DEEPER_THAN_THE_STACK = 25_000;

/** Unexpected values of any kind. Some of them are not JSON. */
export const oddTexts: Text = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('null', 'true', 'false', '0', '-0', '7', '-1.5', '1e999', '-1e999', '1e-999'),
  },
  {
    weight: 10,
    arbitrary: fc.constantFrom('12345678901234567890', '-98765432109876543210', '0.1e1', '""', '" "', '"NaN"'),
  },
  {
    weight: 10,
    arbitrary: fc.constantFrom('"+Inf"', '"-Infinity"', '"1e999"', '"12345678901234567890"', '"\\u0000"', '"ü\\ud800"'),
  },
  {
    weight: 10,
    arbitrary: fc.constantFrom('[]', '{}', '[[]]', '[null]', '{"":""}', '[[],{}]', '{"__proto__":{"polluted":true}}'),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom('{"constructor":{"prototype":{"polluted":true}}}', '{"toString":1,"length":-1}'),
  },
  { weight: 2, arbitrary: fc.constantFrom('NaN', 'Infinity', '-Infinity', 'undefined', '01', '.5', "'1'", '0x10') },
  { weight: 3, arbitrary: fc.string({ maxLength: 40, unit: anyCharacter }).map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constant(JSON.stringify('x'.repeat(20_000))) },
  { weight: 2, arbitrary: fc.constantFrom(5, 5, 5, 1_000, 1_000, DEEPER_THAN_THE_STACK).chain(nested) },
);

/** Mostly the values of `usual`. */
export function mostly(usual: Text, odd: Text = oddTexts, weight = 24): Text {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** An object of these members; sometimes one is missing, one is doubled, or there are unknown ones. */
export function objectOf(members: Readonly<Record<string, Text>>): Text {
  const pairs = Object.entries(members).map(([name, text]) => text.map((value) => `${JSON.stringify(name)}:${value}`));
  const extra = fc
    .tuple(fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'x', ''), oddTexts)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return fc.tuple(fc.tuple(...pairs), extra, fc.nat(59), fc.nat(1_000)).map(([written, more, change, at]) => {
    const index = at % Math.max(written.length, 1);
    if (change === 0) return braced(written.filter((_, position) => position !== index));
    if (change === 1) return braced([more, ...written]);
    if (change === 2) return braced([...written, more]);
    if (change === 3) return braced([...written, `${JSON.stringify(Object.keys(members)[index] ?? 'x')}:null`]);
    return braced(written);
  });
}

export function listOf(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

/** A body as it is sent, with faults most of the time. */
export function damaged(text: string): fc.Arbitrary<Buffer> {
  const whole = Buffer.from(text);
  const at = fc.nat(whole.length);
  const noUtf8 = fc
    .constantFrom([0xff], [0xc3], [0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88], [0xc0, 0xaf])
    .map((bytes) => Buffer.from(bytes));
  return fc.oneof(
    { weight: 60, arbitrary: fc.constant(whole) },
    { weight: 5, arbitrary: at.map((end) => whole.subarray(0, end)) },
    { weight: 2, arbitrary: fc.tuple(at, noUtf8).map(([start, bytes]) => inserted(whole, start, bytes)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\ufeff', ' \n\t', ")]}'\n", '\0', 'null').map((before) => Buffer.from(before + text)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\n', ' ', ',', '}', text, '\0', '// end').map((after) => Buffer.from(text + after)),
    },
    { weight: 1, arbitrary: fc.constantFrom(...NO_JSON).map((page) => Buffer.from(page)) },
    { weight: 1, arbitrary: oddTexts.map((odd) => Buffer.from(odd)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  );
}

const NO_JSON = [
  '',
  '<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>',
  '<?xml version="1.0"?><error>no</error>',
  'upstream connect error',
  '{"status":"success"',
  'HTTP/1.1 200 OK\r\n\r\n{}',
];

/** The value of a body; undefined if it is not JSON. Bytes that are not UTF-8 are replaced as in Unicode. */
export function readJson(body: Buffer): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    return undefined;
  }
}

/** The same for Python's JSON, which has NaN and infinities: null stands for NaN. */
export function readPythonJson(body: Buffer): { json: unknown } | undefined {
  return readJson(body) ?? readJson(Buffer.from(withoutNaN(body.toString('utf8'))));
}

function withoutNaN(text: string): string {
  let json = '';
  let isInText = false;
  for (let at = 0; at < text.length; at += 1) {
    const special = isInText ? undefined : ['NaN', 'Infinity', '-Infinity'].find((word) => text.startsWith(word, at));
    json += special ? special.replace('NaN', 'null').replace('Infinity', '1e999') : text[at]!;
    if (special) at += special.length - 1;
    else if (text[at] === '"') isInText = !isInText;
    else if (isInText && text[at] === '\\') json += text[(at += 1)] ?? '';
  }
  return json;
}

/** An own property of the object. */
export function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

function nested(levels: number): Text {
  return fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}']).map(([open, close]) => {
    return `${open.repeat(levels)}${open === '[' ? '' : '1'}${close.repeat(levels)}`;
  });
}

function braced(pairs: readonly string[]): string {
  return `{${pairs.join(',')}}`;
}

function inserted(whole: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at)]);
}

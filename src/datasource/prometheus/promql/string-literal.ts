const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };

/** Escapes that give a byte or a character by number: their digits, and whether they give a character. */
const NUMBERED_ESCAPES: readonly { shape: RegExp; radix: number; isCharacter: boolean }[] = [
  { shape: /^x([0-9a-fA-F]{2})/, radix: 16, isCharacter: false },
  { shape: /^u([0-9a-fA-F]{4})/, radix: 16, isCharacter: true },
  { shape: /^U([0-9a-fA-F]{8})/, radix: 16, isCharacter: true },
  { shape: /^([0-3][0-7]{2})/, radix: 8, isCharacter: false },
];

const MAX_CODE_POINT = 0x10ffff;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * The value of a PromQL string literal: in double or single quotes with Go's escapes, or raw in backticks. Undefined if
 * Prometheus would not accept it, as for an unclosed quote or an unknown escape. A byte that is not UTF-8 becomes a
 * lone surrogate (as in Python), so that `quoted` can write it again.
 */
export function stringOf(literal: string): string | undefined {
  const quote = literal.at(0);
  const body = literal.slice(1, -1);
  if (quote === undefined || literal.length < 2 || !literal.endsWith(quote)) return undefined;
  if (quote === '`') return body.includes('`') ? undefined : body;
  if (!body.includes('\\')) return body.includes(quote) || body.includes('\n') ? undefined : body;
  return unescaped(body, quote);
}

function unescaped(body: string, quote: string): string | undefined {
  const bytes: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const next = body.indexOf('\\', at);
    const plain = body.slice(at, next < 0 ? undefined : next);
    if (plain.includes(quote) || plain.includes('\n')) return undefined;
    bytes.push(Buffer.from(plain));
    if (next < 0) break;
    const escape = escapeAt(body, next + 1, quote);
    if (!escape) return undefined;
    bytes.push(escape.bytes);
    at = next + 1 + escape.length;
  }
  return utf8(Buffer.concat(bytes));
}

function escapeAt(body: string, at: number, quote: string): { bytes: Buffer; length: number } | undefined {
  const letter = body.charAt(at);
  if (letter === quote) return { bytes: Buffer.from(quote), length: 1 };
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined) return { bytes: Buffer.of(simple), length: 1 };
  const rest = body.slice(at, at + 9);
  for (const { shape, radix, isCharacter } of NUMBERED_ESCAPES) {
    const [all, digits] = shape.exec(rest) ?? [];
    if (all === undefined || digits === undefined) continue;
    const code = parseInt(digits, radix);
    if (!isCharacter) return { bytes: Buffer.of(code), length: all.length };
    const isReal = code <= MAX_CODE_POINT && (code < 0xd800 || code > 0xdfff);
    return isReal ? { bytes: Buffer.from(String.fromCodePoint(code)), length: all.length } : undefined;
  }
  return undefined;
}

/** First lone surrogate that stands for a byte. Query texts have no other lone surrogates. */
const BYTES_BEGIN = 0xdc00;
const LONGEST_CHARACTER = 4;

function utf8(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  let kept = '';
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at);
    kept += character ?? String.fromCharCode(BYTES_BEGIN + (bytes[at] as number));
    at += character === undefined ? 1 : Buffer.byteLength(character);
  }
  return kept;
}

function characterAt(bytes: Buffer, at: number): string | undefined {
  for (let length = 1; length <= LONGEST_CHARACTER; length += 1) {
    const some = bytes.subarray(at, at + length);
    const text = some.toString('utf8');
    if (Buffer.from(text).equals(some)) return text;
  }
  return undefined;
}

/**
 * A value as a literal in double quotes that every parser of PromQL reads alike. Lone surrogates stand for bytes that
 * are not UTF-8.
 */
export function quoted(value: string): string {
  return `"${value.replace(/["\\\p{Cc}\p{Cs}\ufffd]/gu, escapeOf)}"`;
}

function escapeOf(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (character === '\n') return '\\n';
  if (hasHalfCharacter(character)) return `\\x${(character.charCodeAt(0) - BYTES_BEGIN).toString(16).padStart(2, '0')}`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** True if a text has a lone surrogate. No such text can be sent. */
export function hasHalfCharacter(text: string): boolean {
  return /\p{Cs}/u.test(text);
}

/**
 * A label's name as it is written in matchers and groupings: quoted only if needed, since servers before Prometheus 3
 * read no quoted names.
 */
export function labelText(label: string): string {
  return LABEL_NAME.test(label) ? label : quoted(label);
}

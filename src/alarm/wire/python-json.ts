/**
 * JSON as Python's `json.dumps` writes it: `", "` and `": "` as separators, non-ASCII escaped (`\u00e9`), floats with a
 * point or an exponent. Clients of Aodh compare such texts literally; receivers sign and deduplicate the bytes.
 */

/** A number that Python holds as a float: 85 is written `85.0`. */
export class PythonFloat {
  constructor(readonly value: number) {}

  toJSON(): number {
    return this.value;
  }
}

/** JSON text that is embedded unchanged. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** A value that can be written as JSON. */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | PythonFloat
  | RawJson
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/**
 * Writes a value. Members with the value undefined are left out, as in `JSON.stringify`. NaN and infinities become
 * null, since JSON has no form for them.
 */
export function pythonJson(value: PythonValue): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : pythonFloat(value, 'null');
  if (typeof value === 'boolean') return String(value);
  if (value instanceof PythonFloat) return pythonFloat(value.value, 'null');
  if (value instanceof RawJson) return value.text;
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${quote(key)}: ${pythonJson(member)}`).join(', ')}}`;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;

/** Valid JSON text with Python's spacing and escapes. Numbers keep their digits, however many they have. */
export function pythonSpaced(json: string): string {
  const tokens = json.match(TOKEN) ?? [];
  return tokens.map(spacedToken).join('');
}

/** A JSON value as Python's `repr` writes it. Aodh's messages show lists and objects in this form. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return pythonQuoted(value);
  if (typeof value === 'number') return Number.isInteger(value) ? JSON.stringify(value) : pythonFloat(value);
  if (value instanceof PythonFloat) return pythonFloat(value.value);
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${pythonQuoted(key)}: ${pythonRepr(member)}`);
  return `{${members.join(', ')}}`;
}

const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** The key of the object that stands for a number during parsing. */
const WRITTEN = '\u0000written';

/**
 * Parses JSON so that numbers can be written as they were: floats become `PythonFloat`, and integers with too many
 * digits for a JavaScript number become `RawJson`.
 * @throws SyntaxError for invalid JSON, RangeError for JSON that is nested too deeply.
 */
export function parsedForPython(json: string): unknown {
  JSON.parse(json);
  const marked = json.replace(TEXT_OR_NUMBER, (token) => (token.startsWith('"') ? token : `{"${ESCAPED}":"${token}"}`));
  return JSON.parse(marked, (_, value: unknown) => {
    const written =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[WRITTEN] : undefined;
    return typeof written === 'string' ? numberAs(written) : value;
  });
}

const ESCAPED = JSON.stringify(WRITTEN).slice(1, -1);

function numberAs(written: string): number | PythonFloat | RawJson {
  if (/[.eE]/.test(written)) return new PythonFloat(Number(written));
  return Number.isSafeInteger(Number(written)) ? Number(written) : new RawJson(written);
}

/** A float as Python prints it: `85.0`, `1e+16`, `1e-05`, `nan`, `inf`. */
export function pythonFloat(value: number, notFinite?: string): string {
  if (!Number.isFinite(value)) return notFinite ?? (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf');
  if (Object.is(value, -0)) return '-0.0';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e16 || magnitude < 1e-4)) return exponential(value);
  const text = value.toString();
  return text.includes('.') ? text : `${text}.0`;
}

function spacedToken(token: string): string {
  if (token === ':' || token === ',') return `${token} `;
  return token.startsWith('"') ? quote(JSON.parse(token) as string) : token;
}

function exponential(value: number): string {
  const [digits, exponent = '0'] = value.toExponential().split('e');
  const sign = exponent.startsWith('-') ? '-' : '+';
  return `${digits}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}

const HAS_ESCAPED = /[\u007f-\uffff]/;
const FIRST_ESCAPED = 0x7f;
/** `\uffff` has six characters. */
const ESCAPE_LENGTH = 6;
const [BACKSLASH = 0, LETTER_U = 0] = Buffer.from('\\u');
const HEX_DIGITS = Buffer.from('0123456789abcdef');

/** Everything except printable ASCII is escaped, also DEL and each half of a surrogate pair. */
function quote(text: string): string {
  const json = JSON.stringify(text);
  return HAS_ESCAPED.test(json) ? escaped(json) : json;
}

/** Twenty times as fast as a regular expression with a function: a text may have half a million such characters. */
function escaped(json: string): string {
  const bytes = Buffer.allocUnsafe(json.length * ESCAPE_LENGTH);
  let end = 0;
  for (let at = 0; at < json.length; at += 1) {
    const unit = json.charCodeAt(at);
    if (unit < FIRST_ESCAPED) bytes[end++] = unit;
    else {
      bytes[end++] = BACKSLASH;
      bytes[end++] = LETTER_U;
      for (let shift = 12; shift >= 0; shift -= 4) bytes[end++] = HEX_DIGITS[(unit >> shift) & 0xf] ?? 0;
    }
  }
  return bytes.toString('latin1', 0, end);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
/**
 * Characters that Python escapes: controls, formats, lone surrogates, unassigned ones, and all spaces except U+0020.
 */
const UNPRINTABLE = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** Python prefers single quotes and keeps letters of every script. */
function pythonQuoted(text: string): string {
  const escaped = text.replace(
    UNPRINTABLE,
    (character) => SHORT_ESCAPES[character] ?? codePoint(character.codePointAt(0)!),
  );
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

function codePoint(code: number): string {
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

import { z } from 'zod';

import { withoutActionSecrets } from '../action-text.js';
import { firstCharacters } from './first-characters.js';
import { pythonRepr } from './python-json.js';

/**
 * The types of Aodh's JSON input, with the coercions and the wording of its framework (WSME), for clients that match
 * error texts. Every refusal is a zod issue. Its message completes `Invalid input for field/attribute {field}. Value:
 * '{value}'. `. For an optional field `null` means "not given".
 */

const TRUE = new Set(['true', 't', 'yes', 'y', 'on', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', 'off', '0']);
export const MANDATORY_MISSING = 'Mandatory field missing.';

/** JSON Schema of the documented input. Further forms that old clients send are accepted, but not documented. */
type Described = Readonly<Record<string, unknown>>;

function wire<T>(described: Described, convert: (value: unknown) => T | RefusedValue): z.ZodType<T> {
  const schema = z.unknown().transform((value, context): T => {
    const converted: T | RefusedValue =
      value === undefined || value === null ? refuse(MANDATORY_MISSING) : convert(value);
    if (!(converted instanceof RefusedValue)) return converted;
    context.addIssue({ code: 'custom', message: converted.message, input: value });
    return z.NEVER;
  });
  return schema.meta(described);
}

/** The JSON Schema of what a schema accepts. */
export function describedInput(schema: z.ZodType): Described {
  return jsonSchemaOf(schema, 'input');
}

/** A schema as JSON Schema 2020-12, for its input or its output. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Described {
  const { $schema: _, ...described } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const meta = z.globalRegistry.get(zodSchema);
      // An absent optional field is parsed as null. The documented default is what null becomes.
      if (meta && 'default' in meta) jsonSchema.default = meta['default'];
      else if (jsonSchema.default === null) delete jsonSchema.default;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return described;
}

class RefusedValue {
  constructor(readonly message: string) {}
}

function refuse(message: string): RefusedValue {
  return new RefusedValue(message);
}

/** A string, of at most `max` characters and without control characters. */
export function wireText(limits: { max?: number } = {}): z.ZodType<string> {
  const described = { type: 'string', ...(limits.max === undefined ? {} : { maxLength: limits.max }) };
  return wire(described, (value) => {
    const problem = textProblem(value, limits);
    return problem === undefined ? (value as string) : refuse(problem);
  });
}

/** The problem for which `wireText` refuses a value that is not null; undefined if there is none. */
export function textProblem(value: unknown, { max }: { max?: number }): string | undefined {
  if (typeof value !== 'string') return wrongType('str', value);
  if (max !== undefined && value.length > max) return `Value should have a maximum character requirement of ${max}`;
  return hasControlCharacters(value) ? 'Value should not contain control characters' : undefined;
}

/** A boolean, or one of the texts and integers that WSME reads as a boolean. */
export function wireBool(): z.ZodType<boolean> {
  return wire({ type: 'boolean' }, (value) => {
    if (typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isInteger(value)) return value !== 0;
    if (typeof value === 'string' && TRUE.has(value)) return true;
    if (typeof value === 'string' && FALSE.has(value)) return false;
    return refuse(`Value not an unambiguous boolean: ${shownText(value)}`);
  });
}

/** An integer within bounds. Texts of digits are converted. */
export function wireInt(bounds: { min?: number; max?: number } = {}): z.ZodType<number> {
  const described = { type: 'integer', ...defined({ minimum: bounds.min, maximum: bounds.max }) };
  return wire(described, (value) => {
    const number = toInteger(value);
    if (number === undefined) return refuse(`invalid literal for int() with base 10: '${shownText(value)}'`);
    if (bounds.min !== undefined && number < bounds.min)
      return refuse(`Value should be greater or equal to ${bounds.min}`);
    if (bounds.max !== undefined && number > bounds.max)
      return refuse(`Value should be lower or equal to ${bounds.max}`);
    return number;
  });
}

/** A finite number. Texts of numbers are converted. */
export function wireFloat(): z.ZodType<number> {
  return wire({ type: 'number' }, (value) => {
    const number = toFloat(value);
    if (number === undefined) return refuse(`could not convert string to float: '${shownText(value)}'`);
    if (!Number.isFinite(number)) return refuse('Value should be a finite number');
    return number;
  });
}

/** One of some texts. */
export function wireEnum<const T extends readonly string[]>(values: T): z.ZodType<T[number]> {
  return wire({ enum: values }, (value) =>
    typeof value === 'string' && values.includes(value)
      ? value
      : refuse(`Value should be one of: ${values.join(', ')}`),
  );
}

/** A list of at most `max` members. As in WSME, the first invalid member ends the check. */
export function wireList<T>(member: z.ZodType<T>, limits: { max?: number } = {}): z.ZodType<T[]> {
  const described = { type: 'array', items: describedInput(member), ...defined({ maxItems: limits.max }) };
  const list = wire(described, (value) => {
    if (!Array.isArray(value)) return refuse(`Value not a valid list: ${shownText(value)}`);
    if (limits.max !== undefined && value.length > limits.max)
      return refuse(`Value should have at most ${limits.max} members`);
    return value as unknown[];
  });
  const checked = list.transform((values, context): T[] => {
    const members: T[] = [];
    for (const [index, value] of values.entries()) {
      const parsed = member.safeParse(value);
      if (!parsed.success) {
        for (const issue of parsed.error.issues) {
          context.addIssue({ ...issue, path: [index, ...issue.path] });
        }
        return z.NEVER;
      }
      members.push(parsed.data);
    }
    return members;
  });
  return checked.meta(described);
}

/** A field that may be absent or null. Both give `fallback`. */
export function optional<T>(schema: z.ZodType<T>, fallback: T): z.ZodType<T> {
  const nullOrSchema = z.unknown().transform((value, context): T => {
    if (value === null) return fallback;
    const parsed = schema.safeParse(value, { reportInput: true });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue(issue as Parameters<typeof context.addIssue>[0]);
    return z.NEVER;
  });
  const described = {
    anyOf: [describedInput(schema), { type: 'null' }],
    ...(fallback === null ? {} : { default: fallback }),
  };
  return nullOrSchema.prefault(null).meta(described);
}

/** A field that may be absent or null, if the two differ. */
export function given<T>(schema: z.ZodType<T>): z.ZodType<T | null | undefined> {
  return z
    .unknown()
    .transform((value, context): T | null | undefined => {
      if (value === undefined || value === null) return value;
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) context.addIssue(issue as Parameters<typeof context.addIssue>[0]);
      return z.NEVER;
    })
    .optional()
    .meta({ anyOf: [describedInput(schema), { type: 'null' }] });
}

/** The members whose value is not undefined. */
function defined(members: Described): Described {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** A value as Python's messages print it. */
export function pythonText(value: unknown): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

const SHOWN_CHARACTERS = 200;

/** A value as error messages show it: without the secret parts of actions, and cut to a readable length. */
export function shownText(value: unknown): string {
  const text = pythonText(withoutActionSecrets(value, SHOWN_CHARACTERS));
  return text.length > SHOWN_CHARACTERS ? `${firstCharacters(text, SHOWN_CHARACTERS)}…` : text;
}

/** Python's message for a value of the wrong type. */
export function wrongType(expected: string, value: unknown): string {
  return `Wrong type. Expected '<class '${expected}'>', got '<class '${pythonType(value)}'>'`;
}

function pythonType(value: unknown): string {
  if (value === null) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return typeof value === 'string' ? 'str' : 'dict';
}

function toInteger(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value)) return Number(value);
  return undefined;
}

function toFloat(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  if (!/^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return undefined;
  return Number(value);
}

function hasControlCharacters(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text);
}

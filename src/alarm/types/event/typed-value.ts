import { parseMicroseconds } from '../../wire/timestamp.js';
import { pythonText } from '../../wire/wire-types.js';

export const OPERATORS = ['eq', 'ge', 'gt', 'le', 'lt', 'ne'] as const;
export type Operator = (typeof OPERATORS)[number];

/** In the order in which Aodh's error text lists them. */
export const VALUE_TYPES = ['integer', 'float', 'string', 'boolean', 'datetime'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/**
 * A value with the kind that it can be compared to. Integers that a double cannot hold are bigints; datetimes are
 * microseconds since 1970.
 */
export type TypedValue =
  | { kind: 'number'; value: number | bigint }
  | { kind: 'string'; value: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'datetime'; value: number };

const TRUE = /^(1|t|true|on|y|yes)$/i;
const FALSE = /^(0|f|false|off|n|no)$/i;

/** Converts a JSON value to a type; undefined if that is not possible. */
export function typedValue(value: unknown, type: ValueType): TypedValue | undefined {
  if (value === undefined || typeof value === 'object') return undefined; // null too: it is no value
  const converted = CONVERT[type](value);
  return converted === undefined ? undefined : ({ kind: KIND[type], value: converted } as TypedValue);
}

const KIND = {
  integer: 'number',
  float: 'number',
  string: 'string',
  boolean: 'boolean',
  datetime: 'datetime',
} as const satisfies Record<ValueType, TypedValue['kind']>;

const CONVERT: Record<ValueType, (value: unknown) => TypedValue['value'] | undefined> = {
  integer: toInteger,
  float: toFloat,
  string: pythonText,
  boolean: toBoolean,
  datetime: (value) => (typeof value === 'string' ? parseMicroseconds(value) : undefined),
};

function toInteger(value: unknown): number | bigint | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value !== 'string' || !/^\s*[+-]?\d+\s*$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value.trim().replace(/^\+/, ''));
}

function toFloat(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function toBoolean(value: unknown): boolean | undefined {
  const text = pythonText(value).trim();
  if (TRUE.test(text)) return true;
  return FALSE.test(text) ? false : undefined;
}

/** `left OP right`. If `left` is absent or of another kind, only `ne` is true. */
export function compare(left: TypedValue | undefined, operator: Operator, right: TypedValue): boolean {
  if (left?.kind !== right.kind) return operator === 'ne';
  // An integer may be a number on one side and a bigint on the other, so only texts can be compared by identity.
  if (left.kind === 'string' && operator === 'eq') return left.value === right.value;
  return HOLDS[operator](order(left.value, right.value));
}

const HOLDS: Record<Operator, (order: number) => boolean> = {
  eq: (sign) => sign === 0,
  ne: (sign) => sign !== 0,
  ge: (sign) => sign >= 0,
  gt: (sign) => sign > 0,
  le: (sign) => sign <= 0,
  lt: (sign) => sign < 0,
};

/** Texts are ordered by code point, as in Python. JavaScript's order differs outside the basic plane. */
function order(left: TypedValue['value'], right: TypedValue['value']): number {
  if (left === right) return 0;
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

import { parseTimestamp } from '../../alarm/wire/timestamp.js';
import { AppError } from '../../errors.js';

/** A condition has at least two, so there are at most half as many conditions. */
const MAX_PARAMETERS = 100;
const MAX_LIMIT = 2 ** 31 - 1;
const ITEM = /^q(?:\[(\d{1,4})\])?\.(field|op|value|type)$/;
const BOOLEAN = /^(?:(1|t|true|on|y|yes)|0|f|false|off|n|no)$/i;

/** One condition of a query: `q.field`, `q.op`, `q.value`, `q.type`. */
export interface QueryCondition {
  field: string;
  op: string;
  value: string;
  type: string;
}

interface ItemRules {
  /** Fields that may have several conditions. */
  repeatable?: readonly string[];
  /** Fields whose `q.type` is not checked. */
  untyped?: readonly string[] | 'all';
}

/** The query string of a request. Unknown names are refused, so that a misspelt filter is not ignored. */
export class QueryParameters {
  readonly #pairs: [string, string][];

  /**
   * `q` in `allowed` stands for all parameters of conditions; `any` allows every name.
   * @throws AppError for a name that is not in `allowed`.
   */
  constructor(search: string, allowed: readonly string[] | 'any') {
    this.#pairs = [...new URLSearchParams(search)];
    if (this.#pairs.length > MAX_PARAMETERS)
      throw new AppError('invalid_request', `The URL has more than ${MAX_PARAMETERS} query parameters`);
    for (const [name, value] of this.#pairs) {
      if (allowed !== 'any' && (name === 'q' || !allowed.includes(ITEM.test(name) ? 'q' : name))) {
        throw new AppError('invalid_request', `Unknown argument: ${JSON.stringify(name)}`);
      }
      if (value.includes('\0')) throw invalidInput(name, value, 'Value should not contain control characters');
    }
  }

  /** All values of the parameter. */
  all(name: string): string[] {
    return this.#pairs.filter(([present]) => present === name).map(([, value]) => value);
  }

  /** The value of the parameter. @throws AppError if it is given more than once. */
  one(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) throw invalidInput(name, values.join(','), 'Value should be given once');
    return values[0];
  }

  /** Id of the last row of the previous page. Without it, or with an empty one as in Aodh, the first page is meant. */
  marker(): string | undefined {
    return this.one('marker') || undefined;
  }

  /** Most rows of the answer; undefined, also for 0: all rows. */
  limit(): number | undefined {
    const text = this.one('limit');
    if (text === undefined) return undefined;
    const limit = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (Number.isNaN(limit)) {
      const problem = `invalid literal for int() with base 10: '${text}'`;
      throw invalidInput('limit', text, `unable to convert to int. Error: ${problem}`);
    }
    if (limit < 0) throw invalidInput('limit', text, 'it should be a positive integer.');
    return limit === 0 ? undefined : Math.min(limit, MAX_LIMIT);
  }

  /**
   * The conditions: `q.field`, `q.op`, … matched by position, or `q[0].field`, …
   * @throws AppError for a repeated field that is not `repeatable`, and for a value that does not fit its `q.type`
   * unless the field is `untyped`.
   */
  items({ repeatable = [], untyped = [] }: ItemRules = {}): QueryCondition[] {
    const items = [...this.#byPosition(), ...this.#byIndex()];
    for (const one of items) if (untyped !== 'all' && !untyped.includes(one.field)) refuseUnconvertible(one);
    const fields = items.map(({ field }) => field).filter((field) => !repeatable.includes(field));
    const distinct = [...new Set(fields)];
    if (distinct.length < fields.length) {
      const names = distinct.map((field) => `'${field}'`).join(', ');
      throw invalidInput('field', `{${names}}`, 'duplicate query fields are not allowed');
    }
    return items;
  }

  #byPosition(): QueryCondition[] {
    const fields = this.all('q.field');
    const columns = { op: this.all('q.op'), value: this.all('q.value'), type: this.all('q.type') };
    for (const [part, values] of Object.entries(columns)) {
      if (values.length > fields.length) throw invalidInput('q', values.join(','), `more q.${part} than q.field`);
    }
    return fields.map((field, at) =>
      item({ field, op: columns.op[at], value: columns.value[at], type: columns.type[at] }),
    );
  }

  #byIndex(): QueryCondition[] {
    const parts = new Map<string, Record<string, string>>();
    for (const [name, value] of this.#pairs) {
      const [, index, part] = ITEM.exec(name) ?? [];
      if (index === undefined || part === undefined) continue;
      const found = parts.get(index) ?? {};
      if (part in found) throw invalidInput(name, value, 'Value should be given once');
      parts.set(index, { ...found, [part]: value });
    }
    return [...parts].sort(([a], [b]) => Number(a) - Number(b)).map(([, found]) => item(found));
  }
}

/** The error for an invalid value, with Aodh's message. */
export function invalidInput(field: string, value: string, message: string): AppError {
  return new AppError('invalid_request', `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`);
}

/** The value of a condition as a boolean, in any letter case. @throws AppError. */
export function booleanValue({ value }: Pick<QueryCondition, 'value'>): boolean {
  const match = BOOLEAN.exec(value.trim());
  if (!match) {
    throw new AppError('invalid_request', `Unable to convert the value ${value} to the expected data type boolean.`);
  }
  return match[1] !== undefined;
}

function item(parts: {
  field?: string | undefined;
  op?: string | undefined;
  value?: string | undefined;
  type?: string | undefined;
}): QueryCondition {
  if (parts.field === undefined) throw invalidInput('field', 'None', 'Mandatory field missing.');
  if (parts.value === undefined) throw invalidInput('value', 'None', 'Mandatory field missing.');
  return { field: parts.field, op: parts.op || 'eq', value: parts.value, type: parts.type ?? '' };
}

const TYPES: Record<string, (value: string) => boolean> = {
  integer: (value) => /^\s*[+-]?\d+\s*$/.test(value),
  float: (value) => value.trim() !== '' && Number.isFinite(Number(value)),
  string: () => true,
  boolean: (value) => BOOLEAN.test(value.trim()),
  datetime: (value) => parseTimestamp(value) !== undefined,
};

function refuseUnconvertible({ value, type }: QueryCondition): void {
  if (type === '') return;
  if (!Object.hasOwn(TYPES, type)) {
    const known = Object.keys(TYPES).map((name) => `'${name}'`);
    const message = `The data type ${type} is not supported. The supported data type list is: [${known.join(', ')}]`;
    throw new AppError('invalid_request', message);
  }
  if (!TYPES[type]?.(value)) {
    throw new AppError('invalid_request', `Unable to convert the value ${value} to the expected data type ${type}.`);
  }
}

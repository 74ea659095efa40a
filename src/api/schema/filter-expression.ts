import { pythonText, wireBool } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import {
  severityRank,
  type ComplexFilter,
  type Comparison,
  type FieldKind,
  type FilterTerm,
  type Operand,
} from '../../storage/queries/complex-filter.js';
import { refuseOversized } from '../http/json-limits.js';
import { SearchPatterns } from './search-pattern.js';
import { parseLocalTimestamp } from './timestamp.js';

/** Fields that the expressions of one kind of query may name. */
export interface QueryFields<Name extends string> {
  fields: Readonly<Record<Name, { readonly kind: FieldKind }>>;
  aliases: Readonly<Record<string, Name>>;
}

const MAX_DEPTH = 8;
const MAX_COMPARISONS = 100;
/** Most values of all `in` lists together. */
const MAX_IN_VALUES = 1_000;
const MAX_LIKE_CHARACTERS = 256;
/** Of all patterns of one filter. Each may cost ten nanoseconds per character of every row. */
const MAX_LIKE_CHARACTERS_IN_ALL = 500;
const SHOWN_CHARACTERS = 100;

const COMPARISON_OF: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '=<': '<=',
  '>': '>',
  '>=': '>=',
  '=>': '>=',
};

/** Parses a filter expression. @throws AppError whose message begins with Aodh's text. */
export function parseFilter<Name extends string>(text: string, known: QueryFields<Name>): ComplexFilter<Name> {
  return new FilterParser(known).parse(parseJson(text, refuse), 1);
}

/** The field of this name or alias; undefined if there is none. */
export function fieldNamed<Name extends string>(
  name: string,
  { fields, aliases }: QueryFields<Name>,
): Name | undefined {
  if (Object.hasOwn(fields, name)) return name as Name;
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

/** Name and value of the only member of an object; undefined for every other value. */
export function onlyMember(value: unknown): [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [member, ...others] = Object.entries(value);
  return others.length === 0 ? member : undefined;
}

/** Parses JSON text within the limits of a body; `refuseWith` throws the error for text that is not JSON. */
export function parseJson(text: string, refuseWith: (why: string) => never): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return refuseWith('it is not valid JSON');
  }
  refuseOversized(value);
  return value;
}

/** A name or a value for an error message, shortened. */
export function shown(value: unknown): string {
  const text = pythonText(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function refuse(why: string): never {
  throw new AppError('invalid_request', `Filter expression not valid: ${why}`);
}

class FilterParser<Name extends string> {
  #comparisons = 0;
  #likeCharacters = 0;
  #inValues = 0;
  readonly #patterns = new SearchPatterns();

  constructor(private readonly known: QueryFields<Name>) {}

  parse(node: unknown, depth: number): ComplexFilter<Name> {
    if (depth > MAX_DEPTH) refuse(`it is nested deeper than ${MAX_DEPTH} levels`);
    const [name, operand] = onlyMember(node) ?? refuse(`${shown(node)} is not an object with one operator`);
    const operator = name.toLowerCase();
    switch (operator) {
      case 'and':
      case 'or':
        if (!Array.isArray(operand) || operand.length < 2)
          refuse(`${operator} needs a list of at least two expressions`);
        return { kind: operator, members: operand.map((member) => this.parse(member, depth + 1)) };
      case 'not':
        return { kind: 'not', member: this.parse(operand, depth + 1) };
      default:
        return this.#leaf(operator, operand);
    }
  }

  #leaf(operator: string, operand: unknown): FilterTerm<Name> {
    this.#comparisons += 1;
    if (this.#comparisons > MAX_COMPARISONS) refuse(`it has more than ${MAX_COMPARISONS} comparisons`);
    const comparison = Object.hasOwn(COMPARISON_OF, operator) ? COMPARISON_OF[operator] : undefined;
    if (!comparison && !['in', 'like', '=~'].includes(operator)) refuse(`unknown operator ${shown(operator)}`);
    const [name, value] = onlyMember(operand) ?? refuse(`${operator} needs an object with one field`);
    const field = fieldNamed(name, this.known) ?? refuse(`unknown field ${shown(name)}`);
    if (comparison) return this.#comparison(comparison, field, value);
    if (operator === 'in') return this.#membership(field, value);
    return operator === 'like' ? this.#likeness(field, value) : this.#match(field, value);
  }

  #comparison(operator: Comparison, field: Name, value: unknown): FilterTerm<Name> {
    const { kind } = this.known.fields[field];
    const isOrder = operator !== '=' && operator !== '!=';
    if (isOrder && kind === 'list') refuse(`operator ${operator} does not apply to ${field}`);
    const operand = operandOf(field, kind, value);
    if (isOrder && kind === 'severity' && severityRank(String(operand)) === 0) {
      refuse(`${field} has no value ${shown(value)} to be compared with by ${operator}`);
    }
    return { kind: 'compare', field, operator, value: operand };
  }

  #membership(field: Name, values: unknown): FilterTerm<Name> {
    if (!Array.isArray(values) || values.length === 0) refuse(`in needs a list of at least one value for ${field}`);
    this.#inValues += values.length;
    if (this.#inValues > MAX_IN_VALUES) refuse(`its lists of in have more than ${MAX_IN_VALUES} values`);
    const { kind } = this.known.fields[field];
    return { kind: 'in', field, values: values.map((value: unknown) => operandOf(field, kind, value)) };
  }

  #likeness(field: Name, value: unknown): FilterTerm<Name> {
    const pattern = this.#textFor('like', field, value);
    if (pattern.length > MAX_LIKE_CHARACTERS) {
      refuse(`a pattern for ${field} may have at most ${MAX_LIKE_CHARACTERS} characters`);
    }
    this.#likeCharacters += pattern.length;
    if (this.#likeCharacters > MAX_LIKE_CHARACTERS_IN_ALL) {
      refuse(`its patterns may have at most ${MAX_LIKE_CHARACTERS_IN_ALL} characters together`);
    }
    if (/^(?:[^\\]|\\.)*\\$/su.test(pattern)) refuse(`the pattern for ${field} ends in a backslash`);
    return { kind: 'like', field, pattern };
  }

  #match(field: Name, value: unknown): FilterTerm<Name> {
    const pattern = this.#patterns.compile(this.#textFor('=~', field, value));
    return typeof pattern === 'string' ? refuse(`${field}: ${pattern}`) : { kind: 'matches', field, pattern };
  }

  #textFor(operator: string, field: Name, value: unknown): string {
    const { kind } = this.known.fields[field];
    if (kind === 'boolean' || kind === 'timestamp') refuse(`operator ${operator} does not apply to ${field}`);
    return textOf(field, value);
  }
}

/** The value of a comparison in the type of its field. */
function operandOf(field: string, kind: FieldKind, value: unknown): Operand {
  if (kind === 'timestamp') return momentOf(field, value);
  if (kind !== 'boolean') return textOf(field, value);
  const parsed = wireBool().safeParse(typeof value === 'string' ? value.toLowerCase() : value);
  return parsed.success ? parsed.data : refuse(`${field} is true or false, not ${shown(value)}`);
}

function textOf(field: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isFinite(value)) {
    refuse(`the value of ${field} must be a string, a finite number or a boolean, not ${shown(value)}`);
  }
  const text = String(value);
  // The database stores neither NUL nor half a surrogate pair.
  if (text.includes('\0') || /\p{Surrogate}/u.test(text))
    refuse(`the value of ${field} has characters that no value has`);
  return text;
}

function momentOf(field: string, value: unknown): Date {
  const at = parseLocalTimestamp(textOf(field, value));
  if (!at) throw new AppError('invalid_request', `Failed to parse the timestamp value ${shown(value)}`);
  return at;
}

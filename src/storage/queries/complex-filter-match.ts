import {
  severityRank,
  type ComplexFilter,
  type Comparison,
  type FieldKind,
  type Fields,
  type FilterTerm,
  type Operand,
  type Pattern,
} from './complex-filter.js';

/** True, false, or undefined for SQL's `unknown`. */
type Truth = boolean | undefined;

/** The result of a pattern on a text. */
export type MatchedTexts = (pattern: Pattern, text: string) => boolean;

const testNow: MatchedTexts = (pattern, text) => pattern.test(text);

/**
 * Evaluates a filter for a row in memory, with the result that SQL would give, and with regular expressions. A row
 * matches only if the result is true.
 */
export function matchesFilter<Row, Name extends string>(
  filter: ComplexFilter<Name>,
  fields: Fields<Row, Name>,
  row: Row,
  matched: MatchedTexts = testNow,
): Truth {
  switch (filter.kind) {
    case 'and':
      return all(filter.members.map((member) => matchesFilter(member, fields, row, matched)));
    case 'or':
      return negated(all(filter.members.map((member) => negated(matchesFilter(member, fields, row, matched)))));
    case 'not':
      return negated(matchesFilter(filter.member, fields, row, matched));
    default:
      return leafHolds(filter, fields[filter.field].of(row), { kind: fields[filter.field].kind, matched });
  }
}

function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

interface LeafContext {
  kind: FieldKind;
  matched: MatchedTexts;
}

function leafHolds<Name extends string>(
  leaf: FilterTerm<Name>,
  value: Operand | readonly string[] | null,
  context: LeafContext,
): Truth {
  if (context.kind === 'list') return listHolds(leaf, (value ?? []) as readonly string[], context);
  return value === null ? undefined : valueHolds(leaf, value as Operand, context);
}

function listHolds<Name extends string>(
  leaf: FilterTerm<Name>,
  members: readonly string[],
  { matched }: LeafContext,
): boolean {
  if (leaf.kind === 'compare' && leaf.operator === '!=') return !members.some((member) => member === leaf.value);
  return members.some((member) => valueHolds(leaf, member, { kind: 'text', matched }));
}

function valueHolds<Name extends string>(
  leaf: FilterTerm<Name>,
  value: Operand,
  { kind, matched }: LeafContext,
): boolean {
  switch (leaf.kind) {
    case 'compare':
      return ACCEPTS[leaf.operator](order(value, leaf.value, kind, leaf.operator));
    case 'in':
      return leaf.values.some((wanted) => order(value, wanted, kind, '=') === 0);
    case 'like':
      return isLike(String(value), leaf.pattern);
    case 'matches':
      return matched(leaf.pattern, String(value));
    default:
      return leaf satisfies never;
  }
}

const ACCEPTS: Record<Comparison, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function order(a: Operand, b: Operand, kind: FieldKind, operator: Comparison): number {
  if (typeof a !== 'string' || typeof b !== 'string') return Number(a) - Number(b);
  // A text that is no severity has no rank, but it is unequal to all severities.
  if (kind === 'severity' && operator !== '=' && operator !== '!=') return severityRank(a) - severityRank(b);
  if (a === b) return 0;
  // To tell that two texts differ needs no order.
  return operator === '=' || operator === '!=' ? 1 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** SQL's LIKE. It backtracks only to the last `%`, so its time is at most proportional to text times pattern. */
function isLike(text: string, pattern: string): boolean {
  const signs = likeSigns(pattern);
  const characters = Array.from(text);
  let [at, sign] = [0, 0];
  let retry: { at: number; sign: number } | undefined;
  while (at < characters.length) {
    const wanted = signs[sign];
    if (wanted === ANY) {
      retry = { at, sign: ++sign };
    } else if (wanted === ONE || wanted === characters[at]) {
      at += 1;
      sign += 1;
    } else if (retry) {
      retry.at += 1;
      ({ at, sign } = retry);
    } else {
      return false;
    }
  }
  return signs.slice(sign).every((rest) => rest === ANY);
}

const ANY = Symbol('any characters');
const ONE = Symbol('one character');

function likeSigns(pattern: string): (string | typeof ANY | typeof ONE)[] {
  return Array.from(pattern.matchAll(/\\(.)|%|_|./gsu), ([sign, escaped]) => {
    if (escaped !== undefined) return escaped;
    return sign === '%' ? ANY : sign === '_' ? ONE : sign;
  });
}

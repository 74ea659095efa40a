/** A way to merge a search with others that differ only in the value of one attribute. */
export interface Variant {
  attribute: string;
  value: string;
  /** Equal for searches that differ in nothing else. */
  shape: string;
  /** The same search for any of these values. */
  searchFor: (values: readonly string[]) => unknown;
}

/** Attributes that Gnocchi does not compare by plain equality. */
const SPECIAL = new Set(['id', 'created_by_user_id', 'created_by_project_id', 'lifespan', 'started_at', 'ended_at']);
/** A URL cannot hold a lone surrogate. */
const HALF_CHARACTER = /\p{Surrogate}/u;
/** Numbers outside of strings that would change by being parsed and written again. */
const LONG_NUMBER = /\d{16}|\d[eE]/;
const TEXTS = /"(?:[^"\\]|\\.)*"/g;

/**
 * The ways to merge a search with others. The search must require (under nothing but "and") that one attribute equals
 * one string. Then it finds exactly those resources, of all found for several values, that have that value. There may
 * be several such attributes, or none.
 */
export function variantsOf(search: string): Variant[] {
  if (LONG_NUMBER.test(search.replaceAll(TEXTS, '""'))) return [];
  const parsed = parse(search);
  const found = equalities(parsed).filter(
    ({ attribute }) => !SPECIAL.has(attribute) && !HALF_CHARACTER.test(attribute),
  );
  return found
    .filter(({ attribute }) => found.filter((other) => other.attribute === attribute).length === 1)
    .map(({ attribute, value, path }) => ({
      attribute,
      value,
      shape: JSON.stringify([attribute, replaced(parsed, path, null)]),
      searchFor: (values) => replaced(parsed, path, { in: { [attribute]: values } }),
    }));
}

interface Equality {
  attribute: string;
  value: string;
  /** Positions in the nested "and"s. */
  path: readonly number[];
}

/** Conditions `{"=": {attribute: text}}` that all must hold. */
function equalities(node: unknown, path: readonly number[] = []): Equality[] {
  const [operator, operand] = onlyMember(node) ?? [];
  if (operator === 'and' && Array.isArray(operand))
    return operand.flatMap((each, index) => equalities(each, [...path, index]));
  const [attribute, value] = (operator === '=' && onlyMember(operand)) || [];
  return attribute !== undefined && typeof value === 'string' ? [{ attribute, value, path }] : [];
}

function replaced(node: unknown, [first, ...rest]: readonly number[], replacement: unknown): unknown {
  if (first === undefined) return replacement;
  const { and } = node as { and: unknown[] };
  return { and: and.with(first, replaced(and[first], rest, replacement)) };
}

function onlyMember(node: unknown): [string, unknown] | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined;
  const members = Object.entries(node);
  return members.length === 1 ? members[0] : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

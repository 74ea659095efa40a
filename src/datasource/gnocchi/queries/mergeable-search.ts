/** A search that is like others but for one attribute's value. */
export interface Variant {
  attribute: string;
  value: string;
  /** Equal for searches that differ in nothing else. */
  shape: string;
  /** The same search for any of these values. */
  searchFor(values: readonly string[]): unknown;
}

/** Attributes whose values Gnocchi does not simply compare. */
const SPECIAL = new Set(['id', 'created_by_user_id', 'created_by_project_id', 'lifespan', 'started_at', 'ended_at']);
/** What an address cannot hold. */
const HALF_CHARACTER = /\p{Surrogate}/u;
/** Numbers that would not survive being read and written again; what texts hold does. */
const LONG_NUMBER = /\d{16}|\d[eE]/;
const TEXTS = /"(?:[^"\\]|\\.)*"/g;

/**
 * How a search can be put together with others: it demands (under nothing but "and") that one attribute has one text as
 * its value. Then what it finds is exactly those of the resources found for several values that have that one. There
 * may be several such attributes, or none.
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

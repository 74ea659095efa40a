import { severityRank, severityRankSql, type Field } from './complex-filter.js';

/** The values by which a row is sorted in memory, one for each key of the order. */
export type SortKey = readonly (string | number | boolean)[];

/**
 * Characters of a text that count for an order in memory. Rules and reasons are long; many of their sort keys are in
 * memory at once.
 */
const SORTED_CHARACTERS = 256;
/** Separates the members of a list. */
const SEPARATOR = '\u0001';

/** SQL for a value of a `SortKey`: without the secret parts of a sealed value. Null is an empty value. */
export function sortKeySql(field: Field<never>): string {
  const sql = field.orderSql ?? field.sql;
  switch (field.kind) {
    case 'text':
      return `left(coalesce(${sql}, ''), ${SORTED_CHARACTERS})`;
    case 'list':
      return `left(array_to_string(coalesce(${sql}, '{}'), chr(1)), ${SORTED_CHARACTERS})`;
    case 'severity':
      return `coalesce(${severityRankSql(sql)}, 0)`;
    case 'boolean':
      return sql;
    case 'timestamp':
      return `floor(extract(epoch from ${sql}) * 1000)::bigint`;
    default:
      return field satisfies never;
  }
}

/** The value that `sortKeySql` gives for a row without sealed values. */
export function sortKeyOf<Row>(field: Field<Row>, row: Row): SortKey[number] {
  switch (field.kind) {
    case 'text':
      return firstOf(field.of(row) ?? '');
    case 'list':
      return firstOf((field.of(row) ?? []).join(SEPARATOR));
    case 'severity':
      return severityRank(field.of(row) ?? '');
    case 'boolean':
      return field.of(row);
    case 'timestamp':
      return field.of(row).getTime();
    default:
      return field satisfies never;
  }
}

function firstOf(text: string): string {
  return text.length <= SORTED_CHARACTERS ? text : Array.from(text).slice(0, SORTED_CHARACTERS).join('');
}

/** Compares two keys; `directions` says which of their values descend. */
export function compareSortKeys(a: SortKey, b: SortKey, directions: readonly boolean[]): number {
  for (const [index, descends] of directions.entries()) {
    const order = compareValues(a[index], b[index]);
    if (order !== 0) return descends ? -order : order;
  }
  return 0;
}

function compareValues(a: SortKey[number] | undefined, b: SortKey[number] | undefined): number {
  if (typeof a !== 'string' || typeof b !== 'string') return Number(a) - Number(b);
  return a === b ? 0 : compareTexts(a, b);
}

/** By code point: the order of UTF-8, in which a surrogate pair is after every other character. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

import { SEVERITIES } from '../../alarm/alarm.js';
import type { SqlType } from '../conditions.js';

/** A filter: a tree of comparisons. Field names come from a fixed list, and values have the type of their field. */
export type ComplexFilter<Name extends string> =
  | { kind: 'and' | 'or'; members: readonly ComplexFilter<Name>[] }
  | { kind: 'not'; member: ComplexFilter<Name> }
  | FilterTerm<Name>;

/** One comparison of a filter. */
export type FilterTerm<Name extends string> =
  | { kind: 'compare'; field: Name; operator: Comparison; value: Operand }
  | { kind: 'in'; field: Name; values: readonly Operand[] }
  /** As SQL's LIKE: `%` matches any characters, `_` one character; a backslash escapes either. */
  | { kind: 'like'; field: Name; pattern: string }
  | { kind: 'matches'; field: Name; pattern: Pattern };

/** The operators of a `compare` term. */
export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** A value: text for text, severity and list fields, a boolean for boolean fields, a Date for timestamps. */
export type Operand = string | boolean | Date;

/**
 * A regular expression. It is a function and not a text, so that it is never executed in the database, where an
 * expression can take unlimited time.
 */
export interface Pattern {
  readonly source: string;
  /** Returns true if any part of the text matches. */
  test(text: string): boolean;
}

/**
 * A field for filters and orders: its column, and the same value of a row in memory.
 *
 * Null is no value: a comparison with it is unknown, also under `not`, as in SQL. In an order, null counts as an empty
 * value. A list is compared by its members: `=`, `in`, `like` and `=~` are true if any member matches, `!=` if no
 * member is equal; a null list is an empty list. Severities are ordered low, moderate, critical. Other texts are
 * compared by code point, independent of the database's locale.
 *
 * `sealed`: SQL condition that is true for rows whose column lacks the secret parts of the value. Filters of such rows
 * are decided in memory. `orderSql`: the column without the secret parts, by which rows are ordered.
 */
export type Field<Row> = { sql: string; isNullable?: true; sealed?: string; orderSql?: string } & (
  | { kind: 'text' | 'severity'; of: (row: Row) => string | null }
  | { kind: 'boolean'; of: (row: Row) => boolean }
  | { kind: 'timestamp'; of: (row: Row) => Date }
  | { kind: 'list'; of: (row: Row) => readonly string[] | null }
);
/** Kind of a field, which decides its type and comparisons. */
export type FieldKind = Field<never>['kind'];
/** All fields of one kind of row, by name. */
export type Fields<Row, Name extends string> = Readonly<Record<Name, Field<Row>>>;

/** Returns the rank of a severity, from 1; 0 if the text is no severity. */
export function severityRank(severity: string): number {
  return (SEVERITIES as readonly string[]).indexOf(severity) + 1;
}

/** SQL for the rank of a severity; null if the text is no severity. */
export function severityRankSql(column: string): string {
  return `array_position(array[${SEVERITIES.map((severity) => `'${severity}'`).join(', ')}], ${column})`;
}

/**
 * Returns a field as a key of an order. The key is never null. For a sealed value, `of` gives another key than the SQL.
 */
export function orderOf<Row>(field: Field<Row>): { sql: string; type: SqlType; of: (row: Row) => unknown } {
  const sql = field.orderSql ?? field.sql;
  switch (field.kind) {
    case 'text':
      return {
        sql: field.isNullable ? `coalesce(${sql}, '')` : sql,
        type: 'text',
        of: (row) => field.of(row) ?? '',
      };
    case 'severity':
      return {
        sql: `coalesce(${severityRankSql(sql)}, 0)`,
        type: 'integer',
        of: (row) => severityRank(field.of(row) ?? ''),
      };
    case 'boolean':
      return { sql, type: 'boolean', of: field.of };
    case 'timestamp':
      return { sql, type: 'timestamptz', of: field.of };
    case 'list':
      return { sql: `coalesce(${sql}, '{}')`, type: 'text[]', of: (row) => field.of(row) ?? [] };
    default:
      return field satisfies never;
  }
}

/** Returns the comparisons of a filter that hold for each of its results. */
export function requiredTerms<Name extends string>(filter: ComplexFilter<Name>): FilterTerm<Name>[] {
  switch (filter.kind) {
    case 'and':
      return filter.members.flatMap(requiredTerms);
    case 'or':
    case 'not':
      return [];
    default:
      return [filter];
  }
}

/** Returns all comparisons of a filter. */
export function filterTerms<Name extends string>(filter: ComplexFilter<Name>): FilterTerm<Name>[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.members.flatMap(filterTerms);
    case 'not':
      return filterTerms(filter.member);
    default:
      return [filter];
  }
}

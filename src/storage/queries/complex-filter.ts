import type { SqlType } from '../conditions.js';

/**
 * A filter as a tree of comparisons. Names of fields come from a closed list, values are already of the field's type.
 */
export type ComplexFilter<Name extends string> =
  | { kind: 'and' | 'or'; members: readonly ComplexFilter<Name>[] }
  | { kind: 'not'; member: ComplexFilter<Name> }
  | FilterTerm<Name>;

export type FilterTerm<Name extends string> =
  | { kind: 'compare'; field: Name; operator: Comparison; value: Operand }
  | { kind: 'in'; field: Name; values: readonly Operand[] }
  /** As SQL's LIKE: `%` any characters, `_` one, a backslash before either means the sign itself. */
  | { kind: 'like'; field: Name; pattern: string }
  | { kind: 'matches'; field: Name; pattern: Pattern };

export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Text, severity and list fields take text, boolean fields a boolean, timestamps a Date. */
export type Operand = string | boolean | Date;

/**
 * A regular expression. It is a function and not a text so that it cannot reach the database, whose own engine can be
 * made to hang.
 */
export interface Pattern {
  readonly source: string;
  /** Looks anywhere in the text. */
  test(text: string): boolean;
}

/**
 * A field that filters and orders can name: its column, and the same value of a row in memory.
 *
 * Null is no value: comparisons with it are neither true nor false, under `not` too, as in SQL. In order it comes as an
 * empty value would. A list is compared by its members: `=`, `in`, `like` and `=~` ask whether any member is so, `!=`
 * whether none is equal; no list is an empty one. A severity has its place in low, moderate, critical; other texts are
 * compared by code point, so that no locale of a database matters.
 */
export type Field<Row> = { sql: string; isNullable?: true } & (
  | { kind: 'text' | 'severity'; of: (row: Row) => string | null }
  | { kind: 'boolean'; of: (row: Row) => boolean }
  | { kind: 'timestamp'; of: (row: Row) => Date }
  | { kind: 'list'; of: (row: Row) => readonly string[] | null }
);
export type FieldKind = Field<never>['kind'];
export type Fields<Row, Name extends string> = Readonly<Record<Name, Field<Row>>>;

const RANKS = ['low', 'moderate', 'critical'];

/** Place of a severity, from 1; 0 for what is none. */
export function severityRank(severity: string): number {
  return RANKS.indexOf(severity) + 1;
}

export function severityRankSql(column: string): string {
  return `array_position(array['low', 'moderate', 'critical'], ${column})`;
}

/** A field as a key of an order: never null. */
export function orderOf<Row>(field: Field<Row>): { sql: string; type: SqlType; of: (row: Row) => unknown } {
  switch (field.kind) {
    case 'text':
      return {
        sql: field.isNullable ? `coalesce(${field.sql}, '')` : field.sql,
        type: 'text',
        of: (row) => field.of(row) ?? '',
      };
    case 'severity':
      return {
        sql: `coalesce(${severityRankSql(field.sql)}, 0)`,
        type: 'integer',
        of: (row) => severityRank(field.of(row) ?? ''),
      };
    case 'boolean':
      return { sql: field.sql, type: 'boolean', of: field.of };
    case 'timestamp':
      return { sql: field.sql, type: 'timestamptz', of: field.of };
    case 'list':
      return { sql: `coalesce(${field.sql}, '{}')`, type: 'text[]', of: (row) => field.of(row) ?? [] };
    default:
      return field satisfies never;
  }
}

/** Every comparison of a filter. */
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

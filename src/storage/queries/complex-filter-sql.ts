import {
  severityRank,
  severityRankSql,
  type ComplexFilter,
  type Field,
  type Fields,
  type FilterTerm,
  type Operand,
} from './complex-filter.js';
import type { Conditions, SqlType } from '../conditions.js';

interface SqlContext<Row, Name extends string> {
  fields: Fields<Row, Name>;
  conditions: Conditions;
}

/**
 * Returns the filter as an SQL condition. SQL gets neither regular expressions nor sealed values: with these, the
 * condition matches more rows than the filter, never fewer.
 */
export function filterSql<Row, Name extends string>(
  filter: ComplexFilter<Name>,
  context: SqlContext<Row, Name>,
): string {
  return compile(filter, context, true);
}

/**
 * Replaces each regular expression by the constant `unknown`, and each comparison of a sealed value, too. A `not`
 * inverts the constant, so that the whole condition still matches more rows and not fewer.
 */
function compile<Row, Name extends string>(
  filter: ComplexFilter<Name>,
  context: SqlContext<Row, Name>,
  unknown: boolean,
): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.members.map((member) => compile(member, context, unknown)).join(` ${filter.kind} `)})`;
    case 'not':
      return `not (${compile(filter.member, context, !unknown)})`;
    case 'matches':
      return String(unknown);
    default:
      return unsealed(leafSql(filter, context), context.fields[filter.field].sealed, unknown);
  }
}

/** A comparison in rows whose value is not sealed; in the others the constant `unknown`. */
function unsealed(comparison: string, sealed: string | undefined, unknown: boolean): string {
  if (sealed === undefined) return comparison;
  return unknown ? `(${comparison} or ${sealed})` : `(${comparison} and not (${sealed}))`;
}

function leafSql<Row, Name extends string>(
  leaf: Exclude<FilterTerm<Name>, { kind: 'matches' }>,
  { fields, conditions }: SqlContext<Row, Name>,
): string {
  const field = fields[leaf.field];
  if (field.kind === 'list') return listSql(leaf, field.sql, conditions);
  switch (leaf.kind) {
    case 'like':
      return `${field.sql} like ${conditions.parameter(leaf.pattern, 'text')}`;
    case 'in':
      return `${field.sql} = any(${arrayOf(leaf.values, field, conditions)})`;
    case 'compare': {
      if (leaf.operator === '=' || leaf.operator === '!=') {
        return `${field.sql} ${leaf.operator} ${conditions.parameter(leaf.value, TYPES[field.kind])}`;
      }
      if (field.kind === 'severity') {
        const rank = conditions.parameter(severityRank(String(leaf.value)), 'integer');
        return `${severityRankSql(field.sql)} ${leaf.operator} ${rank}`;
      }
      const byCodePoint = field.kind === 'text' ? ' collate "C"' : '';
      return `${field.sql}${byCodePoint} ${leaf.operator} ${conditions.parameter(leaf.value, TYPES[field.kind])}`;
    }
    default:
      return leaf satisfies never;
  }
}

function listSql<Name extends string>(
  leaf: Exclude<FilterTerm<Name>, { kind: 'matches' }>,
  column: string,
  conditions: Conditions,
): string {
  switch (leaf.kind) {
    case 'like':
      return `exists (select from unnest(${column}) as member
        where member like ${conditions.parameter(leaf.pattern, 'text')})`;
    case 'in':
      return `coalesce(${column}, '{}') && ${conditions.parameter(leaf.values, 'text[]')}`;
    case 'compare': {
      const equal = `${conditions.parameter(leaf.value, 'text')} = any(coalesce(${column}, '{}'))`;
      return leaf.operator === '!=' ? `not (${equal})` : equal;
    }
    default:
      return leaf satisfies never;
  }
}

const TYPES = {
  text: 'text',
  severity: 'text',
  boolean: 'boolean',
  timestamp: 'timestamptz',
} as const satisfies Record<Exclude<Field<never>['kind'], 'list'>, SqlType>;

function arrayOf<Row>(
  values: readonly Operand[],
  field: Exclude<Field<Row>, { kind: 'list' }>,
  conditions: Conditions,
): string {
  const texts = values.map((value) => (value instanceof Date ? value.toISOString() : String(value)));
  return `${conditions.parameter(texts, 'text[]')}::${TYPES[field.kind]}[]`;
}

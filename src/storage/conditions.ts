/** Parameter types that conditions are written with; the cast keeps PostgreSQL from guessing. */
export type SqlType = 'text' | 'text[]' | 'boolean' | 'integer' | 'bigint' | 'timestamptz' | 'numeric';

export interface OrderKey {
  /** A column or expression written in our code, never a value. */
  sql: string;
  type: SqlType;
  descending: boolean;
}

/**
 * Collects the conditions of one statement and their parameters. SQL text comes from code, values only as parameters.
 */
export class Conditions {
  readonly parameters: unknown[] = [];
  readonly #conditions: string[] = [];

  /** Registers a value and returns the text that stands for it. */
  parameter(value: unknown, type: SqlType): string {
    this.parameters.push(value);
    return `$${this.parameters.length}::${type}`;
  }

  add(condition: string): void {
    this.#conditions.push(`(${condition})`);
  }

  equal(column: string, value: unknown, type: SqlType): void {
    if (value === undefined) return;
    this.add(value === null ? `${column} is null` : `${column} = ${this.parameter(value, type)}`);
  }

  /** Rows that come after a row with these values, in the order of the keys. Keys must not be null. */
  after(keys: readonly OrderKey[], values: readonly unknown[]): void {
    const bound = keys.map((key, index) => ({ ...key, value: this.parameter(values[index], key.type) }));
    const comparison = (descending: boolean): string => (descending ? '<' : '>');
    const [first] = keys;
    if (first && keys.every(({ descending }) => descending === first.descending)) {
      // A row comparison, unlike a chain of ORs, can start in the middle of an index.
      const columns = keys.map(({ sql }) => sql).join(', ');
      this.add(`(${columns}) ${comparison(first.descending)} (${bound.map(({ value }) => value).join(', ')})`);
      return;
    }
    const alternatives = bound.map(({ sql, value, descending }, index) => {
      const equal = bound.slice(0, index).map((before) => `${before.sql} = ${before.value}`);
      return `(${[...equal, `${sql} ${comparison(descending)} ${value}`].join(' and ')})`;
    });
    this.add(alternatives.join(' or '));
  }

  limit(limit: number | undefined): string {
    return limit === undefined ? '' : `limit ${this.parameter(limit, 'bigint')}`;
  }

  where(): string {
    return this.#conditions.length === 0 ? '' : `where ${this.#conditions.join(' and ')}`;
  }
}

export function orderBy(keys: readonly OrderKey[]): string {
  return `order by ${keys.map(({ sql, descending }) => `${sql}${descending ? ' desc' : ''}`).join(', ')}`;
}

/** Types of parameters. Each parameter is cast, so that PostgreSQL does not have to infer its type. */
export type SqlType = 'text' | 'text[]' | 'boolean' | 'smallint' | 'integer' | 'bigint' | 'timestamptz' | 'numeric';

/** One key of an `order by` clause. */
export interface OrderKey {
  /** A column or expression from the source code, never a value. */
  sql: string;
  type: SqlType;
  descending: boolean;
}

/** Builds the `where` clause of one statement. SQL text comes from the source code, values are parameters. */
export class Conditions {
  readonly #conditions: string[] = [];

  /** Clauses of one statement share their parameters. */
  constructor(readonly parameters: unknown[] = []) {}

  /** Adds a parameter and returns its SQL, such as `$1::text`. */
  parameter(value: unknown, type: SqlType): string {
    this.parameters.push(value);
    return `$${this.parameters.length}::${type}`;
  }

  /** Adds a condition from the source code. */
  add(condition: string): void {
    this.#conditions.push(`(${condition})`);
  }

  /** Adds an equality, unless the value is undefined. Null finds rows without a value. */
  equal(column: string, value: unknown, type: SqlType): void {
    if (value === undefined) return;
    this.add(value === null ? `${column} is null` : `${column} = ${this.parameter(value, type)}`);
  }

  /** Adds a time span: `since` is included, `until` is not. An undefined one is no bound. */
  within(column: string, { since, until }: { since?: Date | undefined; until?: Date | undefined }): void {
    if (since) this.add(`${column} >= ${this.parameter(since, 'timestamptz')}`);
    if (until) this.add(`${column} < ${this.parameter(until, 'timestamptz')}`);
  }

  /** Adds a condition for the rows after the row with these values in the order of the keys. Keys must not be null. */
  after(keys: readonly OrderKey[], values: readonly unknown[]): void {
    const bound = keys.map((key, index) => ({ ...key, value: this.parameter(values[index], key.type) }));
    const comparison = (descending: boolean): string => (descending ? '<' : '>');
    const [first] = keys;
    if (first && keys.every(({ descending }) => descending === first.descending)) {
      // PostgreSQL can use an index for a row comparison, but not for a chain of ORs.
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

  /** Returns a `limit` clause, or '' if undefined. */
  limit(limit: number | undefined): string {
    return limit === undefined ? '' : `limit ${this.parameter(limit, 'bigint')}`;
  }

  /** Returns the `where` clause, or '' without conditions. */
  where(): string {
    return this.#conditions.length === 0 ? '' : `where ${this.#conditions.join(' and ')}`;
  }
}

/** Returns an `order by` clause. */
export function orderBy(keys: readonly OrderKey[]): string {
  return `order by ${keys.map(({ sql, descending }) => `${sql}${descending ? ' desc' : ''}`).join(', ')}`;
}

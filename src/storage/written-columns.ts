import type { SqlType } from './conditions.js';

/** A column of a table: the SQL type of its parameter, and its value in a row that is made from a `Source`. */
export interface WrittenColumn<Source, Value> {
  type: SqlType;
  of: (source: Source) => Value;
}

/** Returns a function that makes columns of this source. Two calls, since TypeScript infers `Value` alone. */
export function columnsOf<Source>() {
  return <Value>(type: SqlType, of: (source: Source) => Value): WrittenColumn<Source, Value> => ({ type, of });
}

/** The row of a table of columns, as it is read back. */
export type RowOf<Columns> = {
  [Name in keyof Columns]: Columns[Name] extends WrittenColumn<never, infer Value> ? Value : never;
};

/** The columns that several statements write, so that names, parameters and values cannot get out of step. */
export class WrittenColumns<Source, Name extends string> {
  readonly #columns: Readonly<Record<Name, WrittenColumn<Source, unknown>>>;

  constructor(columns: Readonly<Record<Name, WrittenColumn<Source, unknown>>>) {
    this.#columns = columns;
  }

  get #list(): Name[] {
    return Object.keys(this.#columns) as Name[];
  }

  /** The number of columns, which is the number of parameters. */
  get count(): number {
    return this.#list.length;
  }

  /** SQL: the names, such as `id, name`. */
  get names(): string {
    return this.#list.join(', ');
  }

  /** SQL: the parameters in the order of the names, such as `$1::text, $2::text`. `first`: number of the first one. */
  parameters(first = 1): string {
    return this.#list.map((name, index) => `$${first + index}::${this.#columns[name].type}`).join(', ');
  }

  /** SQL: the parameter of a column, if the first one is `$1`. */
  parameter(name: Name): string {
    return `$${this.#list.indexOf(name) + 1}::${this.#columns[name].type}`;
  }

  /** SQL: `name = parameter` for every column except these. */
  assignments(...except: Name[]): string {
    return this.#list
      .filter((name) => !except.includes(name))
      .map((name) => `${name} = ${this.parameter(name)}`)
      .join(', ');
  }

  /** The parameters of a statement for one row. */
  values(source: Source): unknown[] {
    return this.#list.map((name) => this.#columns[name].of(source));
  }
}

/** Result of one statement. A `timestamptz` is a Date, a `bigint` a number, an `xid8` a string, an array an array. */
export interface QueryResult<Row> {
  rows: Row[];
  /** Number of rows that an insert, update or delete changed. */
  rowCount: number;
}

/** Options of one statement. */
export interface QueryOptions {
  /** False for texts that rarely repeat: a prepared statement would only use memory. Default: true. */
  prepare?: boolean;
}

/** Executes statements, in a transaction or outside of one. */
export interface Sql {
  /**
   * Executes one statement. Pass values as parameters only, never in the text. Pass dates inside arrays as ISO texts
   * and cast them in SQL.
   */
  query<Row>(text: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<Row>>;
}

/**
 * The interface to the database. PostgreSQL and the embedded PGlite implement it; `test/contract/` checks that both
 * behave the same.
 */
export interface Database extends Sql {
  readonly kind: 'postgres' | 'pglite';
  /** Tells a directory of the embedded database from a copy of it; undefined for a server. */
  readonly place?: string | undefined;
  /** Commits when `work` resolves, and rolls back when it rejects. `work` must use only `tx`. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Returns the code of a failed statement: an SQLSTATE, or an error code of Node.js. */
export function sqlState(thrown: unknown): string | undefined {
  // Not `instanceof Error`: an error from a worker or another realm is no instance of this realm's class.
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

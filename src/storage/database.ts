/** Result of one statement. Types: `timestamptz` is a Date, `bigint` a number, `xid8` a string, arrays are arrays. */
export interface QueryResult<Row> {
  rows: Row[];
  /** Rows that an insert, update or delete touched. */
  rowCount: number;
}

export interface QueryOptions {
  /** False for texts that hardly come twice: keeping them prepared would only cost memory and the place of others. */
  prepare?: boolean;
}

export interface Sql {
  /**
   * Parameters only; never build text from values. Dates inside array parameters are passed as ISO texts and cast in
   * SQL.
   */
  query<Row>(text: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<Row>>;
}

/**
 * The one way to data. PostgreSQL and the embedded PGlite implement it; `test/contract/` holds them to the same
 * behaviour.
 */
export interface Database extends Sql {
  readonly kind: 'postgres' | 'pglite';
  /** Commits when `work` resolves, rolls back when it rejects. `work` must use `tx` only. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The SQLSTATE, or the system's code, of a failed statement. */
export function sqlState(thrown: unknown): string | undefined {
  // Not `instanceof Error`: errors that come out of a worker or another realm are not instances of this realm's class.
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

import type { QueryOptions, Sql } from './database.js';

/** The same statements. `onStatement` is called after each that has succeeded. */
export function observedSql(sql: Sql, onStatement: (() => void) | undefined): Sql {
  if (onStatement === undefined) return sql;
  return {
    async query<Row>(text: string, parameters?: readonly unknown[], options?: QueryOptions) {
      const result = await sql.query<Row>(text, parameters, options);
      onStatement();
      return result;
    },
  };
}

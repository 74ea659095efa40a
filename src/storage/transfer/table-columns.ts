import type { Sql } from '../database.js';

/** A column as the catalogue of the database has it. */
export interface TableColumn {
  name: string;
  /** Name of its type in SQL, such as `text[]`. */
  type: string;
  /** The database numbers the rows. */
  isIdentity: boolean;
}

const COLUMNS = `
  select attname::text as name, format_type(atttypid, atttypmod) as type, attidentity <> '' as "isIdentity"
    from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum`;

/** The columns of a table, in their order. */
export async function columnsOf(sql: Sql, table: string): Promise<TableColumn[]> {
  return (await sql.query<TableColumn>(COLUMNS, [table])).rows;
}

/** A name from the catalogue as SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

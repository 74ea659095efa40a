import type { Database } from '../../src/storage/database.js';

const COLUMNS = `
  select format('%s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then ' not null' else '' end, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
      case a.attidentity when 'a' then ' identity' else '' end) as line
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
   order by c.relname collate "C", a.attname collate "C"`;
const INDEXES = `
  select indexdef as line from pg_indexes where schemaname = 'public' order by indexdef collate "C"`;
const CONSTRAINTS = `
  select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as line
    from pg_constraint where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c')
   order by conrelid::regclass::text collate "C", conname collate "C"`;

/** Columns, indexes and constraints of the schema as text, a line each, in an order that does not depend on history. */
export async function schemaOf(db: Database): Promise<string> {
  const parts: string[] = [];
  for (const query of [COLUMNS, INDEXES, CONSTRAINTS]) {
    const { rows } = await db.query<{ line: string }>(query);
    parts.push(rows.map(({ line }) => line).join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

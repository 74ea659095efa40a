import type { QueryOptions, Sql } from '../database.js';
import { appliedMigrations } from '../migration/migrate.js';
import { EXPORT_VERSION, type ExportEnd, type ExportHead, type TableHead } from './export-format.js';
import { MOVED_TABLES, type MovedTable } from './moved-tables.js';
import { columnsOf, quoted } from './table-columns.js';

/** Values for the head of an export. */
export interface ExportAbout {
  /** Version of this program. */
  release: string;
  now: Date;
}

/** Called with the number of rows of a table so far, from time to time and at its end. */
export type TransferProgress = (table: string, rows: number, isDone: boolean) => void;

/** Callbacks of an export. */
export interface ExportListener {
  /** Called first. */
  onHead: (head: ExportHead) => void;
  progress: TransferProgress;
}

/** One snapshot of all tables, and values as texts that do not depend on the settings of the server. */
const SETTINGS = [
  'set transaction isolation level repeatable read, read only',
  'set local statement_timeout = 0',
  // The transaction waits for the disk that the file is on.
  'set local idle_in_transaction_session_timeout = 0',
  "set local timezone = 'UTC'",
  "set local datestyle = 'ISO'",
  'set local extra_float_digits = 1',
  "set local bytea_output = 'hex'",
  // Two scans of a table give its rows in the same order.
  'set local synchronize_seqscans = off',
  'set local enable_indexscan = off',
  'set local enable_indexonlyscan = off',
  'set local enable_bitmapscan = off',
];

/** Rows whose lengths one statement reads. */
const LENGTHS_AT_ONCE = 2_000;
/** Most bytes of a page, unless it has one row only: a page is held in memory. */
export const PAGE_BYTES = 2_000_000;
const ONCE: QueryOptions = { prepare: false };

/**
 * Exports the data as one snapshot, page by page. Yields pieces of the text, which end at line ends. Call it with a
 * transaction that has executed nothing; the data is not changed. Processes may run meanwhile: what they commit later
 * is not in the export.
 */
export async function* exportedText(
  tx: Sql,
  { release, now }: ExportAbout,
  { onHead, progress }: ExportListener,
): AsyncGenerator<string> {
  for (const setting of SETTINGS) await tx.query(setting, [], ONCE);
  const head: ExportHead = {
    format: 'tocsin-export',
    version: EXPORT_VERSION,
    release,
    made_at: now.toISOString(),
    migrations: await appliedMigrations(tx),
    keys: await keysNeeded(tx),
  };
  onHead(head);
  yield `${JSON.stringify(head)}\n`;
  const end: ExportEnd = { rows: {} };
  for (const moved of MOVED_TABLES) {
    let rows = 0;
    const columns = await exportedColumns(tx, moved);
    yield `${JSON.stringify({ table: moved.table, columns } satisfies TableHead)}\n`;
    for await (const lines of pagesOf(tx, moved.table, columns)) {
      rows += lines.length;
      progress(moved.table, rows, false);
      yield `${lines.join('\n')}\n`;
    }
    progress(moved.table, rows, true);
    end.rows[moved.table] = rows;
  }
  yield `${JSON.stringify(end)}\n`;
}

/** The number of processes of the service that have reported in the last minute. */
export async function runningProcesses(sql: Sql): Promise<number> {
  const text = "select count(*)::int as n from processes where heartbeat_at > clock_timestamp() - interval '1 minute'";
  return (await sql.query<{ n: number }>(text)).rows[0]?.n ?? 0;
}

async function exportedColumns(tx: Sql, { table, fresh = {} }: MovedTable): Promise<string[]> {
  return (await columnsOf(tx, table)).map(({ name }) => name).filter((name) => !(name in fresh));
}

/** A sealed text begins with a version and the id of its key. */
const KEYS = MOVED_TABLES.flatMap(({ table, sealed = [] }) =>
  sealed.map((column) => `select split_part(${column}, '.', 2) as key from ${table} where ${column} is not null`),
).join(' union ');

async function keysNeeded(tx: Sql): Promise<string[]> {
  return (await tx.query<{ key: string }>(`${KEYS} order by key`, [], ONCE)).rows.map(({ key }) => key);
}

/**
 * The rows of a table as lines, page by page. One scan of the table reads the lengths of the lines, a second one the
 * lines: so it is known how many fit before they are read.
 */
async function* pagesOf(tx: Sql, table: string, columns: readonly string[]): AsyncGenerator<string[]> {
  const line = `to_json(array[${columns.map((name) => `${quoted(name)}::text`).join(', ')}])::text`;
  const from = `from ${quoted(table)}`;
  await tx.query(`declare moved_lengths no scroll cursor for select octet_length(${line}) as length ${from}`, [], ONCE);
  await tx.query(`declare moved_rows no scroll cursor for select ${line} as line ${from}`, [], ONCE);
  for (;;) {
    const { rows: next } = await tx.query<{ length: number }>(`fetch ${LENGTHS_AT_ONCE} from moved_lengths`, [], ONCE);
    for (const rows of pageSizes(next.map(({ length }) => length))) {
      const page = await tx.query<{ line: string }>(`fetch ${rows} from moved_rows`, [], ONCE);
      yield page.rows.map(({ line }) => line);
    }
    if (next.length < LENGTHS_AT_ONCE) break;
  }
  await tx.query('close moved_lengths', [], ONCE);
  await tx.query('close moved_rows', [], ONCE);
}

/** The numbers of rows of the pages for rows of these lengths. */
function pageSizes(lengths: readonly number[]): number[] {
  const sizes: number[] = [];
  let bytes = Infinity;
  for (const length of lengths) {
    bytes += length;
    if (bytes > PAGE_BYTES) {
      sizes.push(0);
      bytes = length;
    }
    sizes.push((sizes.pop() ?? 0) + 1);
  }
  return sizes;
}

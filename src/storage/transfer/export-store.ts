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
];

/** Rows of the first page of a table, before it is known how long they are. */
const FIRST_ROWS = 10;
const MOST_ROWS = 2_000;
/** Intended number of characters of a page. Pages of long rows have fewer rows, so that memory is bounded. */
const PAGE_CHARACTERS = 2_000_000;
const UNPREPARED: QueryOptions = { prepare: false };

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
  for (const setting of SETTINGS) await tx.query(setting, [], UNPREPARED);
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
  return (await tx.query<{ key: string }>(`${KEYS} order by key`, [], UNPREPARED)).rows.map(({ key }) => key);
}

/** The rows of a table as lines, page by page: as many rows as one statement should read. */
async function* pagesOf(tx: Sql, table: string, columns: readonly string[]): AsyncGenerator<string[]> {
  const values = columns.map((name) => `${quoted(name)}::text`).join(', ');
  const select = `select to_json(array[${values}])::text as line from ${quoted(table)}`;
  await tx.query(`declare moved_rows no scroll cursor for ${select}`, [], UNPREPARED);
  for (let limit = FIRST_ROWS; ;) {
    const { rows } = await tx.query<{ line: string }>(`fetch ${limit} from moved_rows`, [], UNPREPARED);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    if (rows.length < limit) break;
    const characters = rows.reduce((sum, { line }) => sum + line.length, 0);
    const fitting = Math.floor((rows.length * PAGE_CHARACTERS) / characters);
    limit = Math.max(1, Math.min(fitting, 2 * limit, MOST_ROWS));
  }
  await tx.query('close moved_rows', [], UNPREPARED);
}

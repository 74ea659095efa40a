import { StartupError } from '../../errors.js';
import type { Database, Sql } from '../database.js';
import { appliedMigrations, type AppliedMigration } from '../migration/migrate.js';
import type { Sealer } from '../secrets/sealed.js';
import { renewStreamEpoch } from '../stream/stream-epoch.js';
import { damaged, parseExportHead, parseExportLine, type ExportEnd, type ExportHead } from './export-format.js';
import { runningProcesses, type TransferProgress } from './export-store.js';
import { MOVED_TABLES } from './moved-tables.js';
import { quoted } from './table-columns.js';
import { TableWriter } from './table-writer.js';

/** The target of an import. */
export interface ImportTarget {
  db: Pick<Database, 'kind' | 'place'>;
  /** Its keys must open the sealed texts of the export. */
  sealer: Pick<Sealer, 'hasKey'>;
  progress: TransferProgress;
  /** Ends the import, which then leaves nothing behind. */
  signal: AbortSignal;
}

/** The program reads the lines from a disk, which may be slow. */
const SETTINGS = ['set local statement_timeout = 0', 'set local idle_in_transaction_session_timeout = 0'];

/** Tables that may have rows before the import: a new database has partitions, and commands leave audit entries. */
const MAY_HAVE_ROWS = new Set(['partitions', 'audit_entries']);
const EMPTY_TABLES = MOVED_TABLES.map(({ table }) => table).filter((table) => !MAY_HAVE_ROWS.has(table));
/** Keeps other processes from writing to the tables. The audit trail stays open, since commands add entries to it. */
const LOCK = `lock table ${MOVED_TABLES.map(({ table }) => table)
  .filter((table) => table !== 'audit_entries')
  .join(', ')} in share row exclusive mode`;
const FILLED_TABLES = EMPTY_TABLES.map(
  (table) => `select '${table}' as "table" where exists (select from ${table})`,
).join(' union all ');
const IS_OWNER = `
  select pg_has_role(current_user, relowner, 'usage') as "isOwner" from pg_class where oid = 'alarms'::regclass`;

/**
 * Writes an export into an empty database of the same schema, in this transaction. Returns the number of rows by table.
 * The stream of events begins a new epoch.
 * @throws StartupError if the target is in use, not empty or of another schema, lacks a key, or the text is not whole.
 */
export async function importExport(
  tx: Sql,
  lines: AsyncIterable<string>,
  target: ImportTarget,
): Promise<ExportEnd['rows']> {
  for (const setting of SETTINGS) await tx.query(setting);
  const reader = new ImportReader(tx, target);
  for await (const line of lines) {
    if (target.signal.aborted) throw new StartupError('interrupted: nothing was imported');
    await reader.read(line);
  }
  return reader.finish();
}

/** Reads the lines of an export one after the other. */
class ImportReader {
  readonly #rows: ExportEnd['rows'] = {};
  #hasHead = false;
  #end: ExportEnd | undefined;
  #writer: TableWriter | undefined;
  #table = '';

  constructor(
    private readonly tx: Sql,
    private readonly target: ImportTarget,
  ) {}

  async read(line: string): Promise<void> {
    if (!this.#hasHead) {
      await this.#begin(parseExportHead(line));
      this.#hasHead = true;
      return;
    }
    const part = parseExportLine(line);
    if (this.#end !== undefined) throw damaged();
    if (Array.isArray(part)) return this.#addRow(part);
    await this.#finishTable();
    if ('columns' in part) await this.#startTable(part.table, part.columns);
    else this.#end = part;
  }

  /** @throws StartupError if the text has no end, or another number of rows than its end says. */
  finish(): ExportEnd['rows'] {
    const { rows = {} } = this.#end ?? {};
    const isWhole = MOVED_TABLES.every(({ table }) => rows[table] !== undefined && rows[table] === this.#rows[table]);
    if (this.#end === undefined || !isWhole) throw damaged();
    return rows;
  }

  async #begin(head: ExportHead): Promise<void> {
    refuseOtherSchema(head, await appliedMigrations(this.tx));
    refuseMissingKeys(head, this.target.sealer);
    await refuseTargetInUse(this.tx);
    await renewStreamEpoch(this.tx, this.target.db.place, true);
    await this.tx.query('delete from partitions');
  }

  async #startTable(table: string, columns: readonly string[]): Promise<void> {
    const moved = MOVED_TABLES.find((one) => one.table === table);
    if (!moved || this.#rows[table] !== undefined) throw damaged();
    this.#table = table;
    this.#rows[table] = 0;
    this.#writer = await TableWriter.open(this.tx, moved, columns);
  }

  async #addRow(row: readonly (string | null)[]): Promise<void> {
    if (!this.#writer) throw damaged();
    await this.#writer.add([...row]);
    const rows = (this.#rows[this.#table] ?? 0) + 1;
    this.#rows[this.#table] = rows;
    this.target.progress(this.#table, rows, false);
  }

  async #finishTable(): Promise<void> {
    if (!this.#writer) return;
    await this.#writer.finish();
    // The embedded database keeps no statistics of its tables.
    if (this.target.db.kind === 'postgres') await this.tx.query(`analyze ${quoted(this.#table)}`);
    this.target.progress(this.#table, this.#rows[this.#table] ?? 0, true);
    this.#writer = undefined;
  }
}

function refuseOtherSchema({ migrations, release }: ExportHead, applied: readonly AppliedMigration[]): void {
  const here = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  const there = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  const differing = [...new Set([...here.keys(), ...there.keys()])].filter(
    (name) => here.get(name) !== there.get(name),
  );
  if (differing.length === 0) return;
  throw new StartupError(
    `the export of release ${release} has another schema than the target ` +
      `(different: ${differing.sort().join(', ')}): ` +
      'export and import with the same release; to move to a newer one, upgrade the source first',
  );
}

function refuseMissingKeys({ keys }: ExportHead, sealer: Pick<Sealer, 'hasKey'>): void {
  const missing = keys.filter((key) => !sealer.hasKey(key));
  if (missing.length === 0) return;
  throw new StartupError(
    `the export has secrets that are encrypted with the key ${missing.join(', ')}, which the target does not have: ` +
      'set secrets.key, or secrets.previous_key, to the key of the source (an embedded database has its key in the ' +
      'file secrets.key in database.data_dir)',
  );
}

async function refuseTargetInUse(tx: Sql): Promise<void> {
  if (!(await tx.query<{ isOwner: boolean }>(IS_OWNER)).rows[0]?.isOwner)
    throw new StartupError('database.url: import-data needs the user that owns the schema, as tocsin migrate does');
  await tx.query(LOCK);
  const processes = await runningProcesses(tx);
  if (processes > 0)
    throw new StartupError(
      `processes of Tocsin use the target, or have used it within the last minute (${processes}): stop them first`,
    );
  const { rows } = await tx.query<{ table: string }>(FILLED_TABLES);
  if (rows.length > 0) {
    const tables = rows.map(({ table }) => table).join(', ');
    throw new StartupError(`the target is not empty (rows in: ${tables}): import into a new database`);
  }
}

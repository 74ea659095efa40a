import { KEEP_ALL_DAYS } from '../audit/audit-store.js';
import type { Sql } from '../database.js';
import { damaged, type ExportRow } from './export-format.js';
import type { MovedTable } from './moved-tables.js';
import { columnsOf, quoted, type TableColumn } from './table-columns.js';

/** Rows, and characters of them, that one statement inserts. */
const ROWS_AT_ONCE = 1_000;
const CHARACTERS_AT_ONCE = 1_000_000;
/** Days that one call of `keep_audit_days` makes: from the one before its argument to a week after it. */
const DAYS_MADE = [-1, 0, 1, 2, 3, 4, 5, 6, 7];
const DAY_MS = 86_400_000;

/** Inserts the rows of one table, in batches. */
export class TableWriter {
  readonly #insert: string;
  readonly #identities: string[];
  /** Position of the time that decides the day of a row of the audit trail. */
  readonly #dayAt: number;
  readonly #days = new Set<string>();
  #batch: ExportRow[] = [];
  #characters = 0;

  private constructor(
    private readonly tx: Sql,
    private readonly table: string,
    private readonly columns: readonly TableColumn[],
    nulls: readonly string[],
  ) {
    const names = [...columns.map(({ name }) => name), ...nulls].map(quoted);
    const values = [...columns.map(({ type }, at) => `v${at}::${type}`), ...nulls.map(() => 'null')];
    const arrays = columns.map((_, at) => `$${at + 1}::text[]`);
    const aliases = columns.map((_, at) => `v${at}`);
    this.#insert = `insert into ${quoted(table)} (${names.join(', ')}) overriding system value
      select ${values.join(', ')} from unnest(${arrays.join(', ')}) as v (${aliases.join(', ')})`;
    this.#identities = columns.filter(({ isIdentity }) => isIdentity).map(({ name }) => name);
    this.#dayAt = table === 'audit_entries' ? columns.findIndex(({ name }) => name === 'at') : -1;
  }

  /** `names`: the columns of the rows. @throws StartupError if they are not those of the table. */
  static async open(tx: Sql, { table, fresh = {} }: MovedTable, names: readonly string[]): Promise<TableWriter> {
    const columns = (await columnsOf(tx, table)).filter(({ name }) => !(name in fresh));
    if (columns.map(({ name }) => name).join() !== names.join()) throw damaged();
    const nulls = Object.keys(fresh).filter((name) => fresh[name] === 'null');
    return new TableWriter(tx, table, columns, nulls);
  }

  async add(row: ExportRow): Promise<void> {
    if (row.length !== this.columns.length) throw damaged();
    this.#batch.push(row);
    for (const value of row) this.#characters += value?.length ?? 0;
    if (this.#batch.length >= ROWS_AT_ONCE || this.#characters >= CHARACTERS_AT_ONCE) await this.#flush();
  }

  /** Inserts what is left, and lets the numbers of new rows go on after those of the imported ones. */
  async finish(): Promise<void> {
    await this.#flush();
    for (const name of this.#identities) {
      await this.tx.query(
        `select setval(pg_get_serial_sequence('${this.table}', '${name}'), last) from (
           select max(${quoted(name)}) as last from ${quoted(this.table)}) numbered where last is not null`,
      );
    }
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#characters = 0;
    await this.#makeDays(batch);
    const arrays = this.columns.map((_, at) => batch.map((row) => row[at]));
    await this.tx.query(this.#insert, arrays);
  }

  /** The audit trail has a partition for each day, which must exist before its entries. */
  async #makeDays(batch: readonly ExportRow[]): Promise<void> {
    if (this.#dayAt < 0) return;
    for (const row of batch) {
      const day = (row[this.#dayAt] ?? '').slice(0, 'YYYY-MM-DD'.length);
      if (this.#days.has(day)) continue;
      await this.tx.query('select keep_audit_days($1::date, $2)', [day, KEEP_ALL_DAYS]);
      const middle = Date.parse(`${day}T00:00:00Z`);
      for (const offset of DAYS_MADE)
        this.#days.add(new Date(middle + offset * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length));
    }
  }
}

import { randomBytes } from 'node:crypto';

import type { Database, Sql } from '../database.js';

const EPOCH_BYTES = 5;
/** Advisory lock of changes of the epoch. Any constant that no other lock has. */
const LOCK = 8042_0010;

/**
 * SQL for the place of the data: server, database, table, and timeline, which changes when a backup is recovered to an
 * earlier moment or a standby is promoted.
 */
const ORIGIN = `concat_ws('/', (select system_identifier from pg_control_system()),
  (select oid from pg_database where datname = current_database()), 'stream_epoch'::regclass::oid,
  left(pg_walfile_name(pg_current_wal_lsn()), 8), $1::text)`;

/** A row that was restored is in another place, or another transaction than that of its own note wrote it. */
const READ = `
  select epoch, origin = ${ORIGIN} and xmin::text::bigint = made_in::text::numeric % 4294967296 as "isOwn"
    from stream_epoch`;

const REPLACE = [
  'delete from stream_entries',
  'delete from stream_marks',
  'update stream_gap set through = pg_current_xact_id()',
  // Transactions of the restored rows that are still to come here would appear in the stream as new ones.
  'update alarm_history set revision = null where revision >= pg_current_xact_id()',
  'update notifications set ended_in = null where ended_in >= pg_current_xact_id()',
];

/**
 * Returns the epoch of the stream. Starts a new one, in which no id of an event of another epoch is valid, if the data
 * was restored from a dump or from a backup since the last call.
 */
export async function keepStreamEpoch(db: Database): Promise<string> {
  return (await readEpoch(db, db.place)) ?? db.transaction((tx) => renewStreamEpoch(tx, db.place));
}

/** As `keepStreamEpoch`, in a transaction. `place`: see `Database.place`. */
export async function renewStreamEpoch(tx: Sql, place = '', isForced = false): Promise<string> {
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
  const known = isForced ? undefined : await readEpoch(tx, place);
  if (known !== undefined) return known;
  const epoch = randomBytes(EPOCH_BYTES).toString('hex');
  await tx.query('delete from stream_epoch');
  for (const statement of REPLACE) await tx.query(statement);
  await tx.query(`insert into stream_epoch (epoch, origin) values ($2, ${ORIGIN})`, [place, epoch]);
  return epoch;
}

async function readEpoch(sql: Sql, place = ''): Promise<string | undefined> {
  const { rows } = await sql.query<{ epoch: string; isOwn: boolean }>(READ, [place]);
  return rows[0]?.isOwn ? rows[0].epoch : undefined;
}

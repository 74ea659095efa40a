import type { Sql } from '../database.js';

/** The server's clock: what service time follows. */
export async function databaseTime(db: Sql): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now');
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database did not tell the time');
  return now;
}

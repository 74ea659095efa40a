import type { Sql } from '../database.js';

/** Returns the time of the database server, which the service's clock follows. */
export async function databaseTime(db: Sql): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now');
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database returned no time');
  return now;
}

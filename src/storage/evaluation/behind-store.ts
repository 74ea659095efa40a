import type { Database } from '../database.js';

/** Since when an alarm is behind, in milliseconds since the epoch. */
export interface BehindSince {
  dueMs: number;
  /** The last evaluation of the alarm; null if there was none. */
  lastMs: number | null;
}

/** The alarms of a partition that are behind, by their ids. */
export interface BehindRow {
  partition: number;
  /** The epoch under which the member owns the partition. A row of another epoch is not changed. */
  epoch: number;
  alarms: Readonly<Record<string, BehindSince>>;
}

export type RecordBehind = ReturnType<typeof createBehindStore>;

/** Locks partitions in order of their ids, like all writers. Does not write a row that has the same value already. */
const RECORD = `
  with mine as (
    select p.id, i.behind
      from partitions p join unnest($2::smallint[], $3::bigint[], $4::text[]::jsonb[]) as i (id, epoch, behind)
        on p.id = i.id and p.epoch = i.epoch
     where p.owner = $1 and p.behind is distinct from i.behind
     order by p.id for no key update of p)
  update partitions p set behind = mine.behind from mine where p.id = mine.id`;

/** Records which alarms are behind, for partitions that the member still owns. */
export function createBehindStore(db: Database, memberId: string) {
  return async (rows: readonly BehindRow[]): Promise<void> => {
    await db.query(RECORD, [
      memberId,
      rows.map(({ partition }) => partition),
      rows.map(({ epoch }) => epoch),
      rows.map(({ alarms }) => (Object.keys(alarms).length === 0 ? null : JSON.stringify(alarms))),
    ]);
  };
}

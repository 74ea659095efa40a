import type { BehindRow, RecordBehind } from '../evaluator/behind-recorder.js';
import type { Database } from './database.js';

/** Locked in order of their numbers, as every other writer of partitions does. A row that is right already is not written. */
const RECORD = `
  with mine as (
    select p.id, i.behind
      from partitions p join unnest($2::smallint[], $3::bigint[], $4::text[]::jsonb[]) as i (id, epoch, behind)
        on p.id = i.id and p.epoch = i.epoch
     where p.owner = $1 and p.behind is distinct from i.behind
     order by p.id for no key update of p)
  update partitions p set behind = mine.behind from mine where p.id = mine.id`;

/** Writes down which alarms are behind, of the partitions that the member still holds. */
export function createBehindStore(db: Database, memberId: string): RecordBehind {
  return async (rows: readonly BehindRow[]) => {
    await db.query(RECORD, [
      memberId,
      rows.map(({ partition }) => partition),
      rows.map(({ epoch }) => epoch),
      rows.map(({ alarms }) => (Object.keys(alarms).length === 0 ? null : JSON.stringify(alarms))),
    ]);
  };
}

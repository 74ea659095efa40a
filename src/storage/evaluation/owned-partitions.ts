/**
 * SQL for the partitions that a member owns. Parameters: the member, ids, and the epochs under which it took them. A
 * lock follows it, which is taken in order of the ids, like all writers do, to avoid deadlocks.
 */
export const OWNED_PARTITIONS = `select p.id from partitions p
  where p.owner = $1 and (p.id, p.epoch) in (select * from unnest($2::smallint[], $3::bigint[])) order by p.id`;

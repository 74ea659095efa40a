import type { OwnedPartition } from '../../partition/hand-over.js';
import type { PartitionStore, TakenPartition, TakeRequest } from '../../partition/ownership.js';
import type { Database } from '../database.js';

/** Number of partitions of one owner. */
export interface OwnerCount {
  /** Null: partitions without an owner. */
  owner: string | null;
  count: number;
}

/**
 * Ownership of partitions. Leases are compared with the server's clock, and each change of ownership is one statement.
 */
export function createPartitionStore(db: Database): PartitionStore & { ownerCounts(): Promise<OwnerCount[]> } {
  return {
    list: () => list(db),
    markLoaded: (memberId, partitions) => markLoaded(db, memberId, partitions),
    take: (request) => take(db, request),
    release: (memberId, ids) => release(db, memberId, ids),
    ownerCounts: () => ownerCounts(db),
  };
}

/**
 * Partitions of members that do not say what they have loaded count as loaded, so that evaluators of older releases get
 * their share during an upgrade.
 */
const LIST = `
  select p.id, p.epoch, p.owner,
         p.loaded_epoch is not distinct from p.epoch or (m.id is not null and not m.tells_loaded) as "isLoaded"
    from partitions p left join members m on m.id = p.owner order by p.id`;

async function list(db: Database): Promise<OwnedPartition[]> {
  return (await db.query<OwnedPartition>(LIST)).rows;
}

/** Skips locked rows: a heartbeat does not wait for a commit. The next one tries again. */
const MARK_LOADED = `
  with mine as (
    select p.id from partitions p
     where p.owner = $1 and (p.id, p.epoch) in (select * from unnest($2::smallint[], $3::bigint[]))
       for no key update skip locked)
  update partitions p set loaded_epoch = p.epoch from mine where p.id = mine.id`;

async function markLoaded(
  db: Database,
  memberId: string,
  partitions: readonly { id: number; epoch: number }[],
): Promise<number> {
  const ids = partitions.map(({ id }) => id);
  const { rowCount } = await db.query(MARK_LOADED, [memberId, ids, partitions.map(({ epoch }) => epoch)]);
  return rowCount;
}

/**
 * Skips locked rows: an owner that is paused during a commit must not delay the takeover of other partitions. The next
 * heartbeat tries again.
 */
const TAKE = `
  with free as (
    select p.id from partitions p
    where p.id = any($2::text[]::smallint[])
      and (p.owner is null or p.owner = $1 or $4::boolean or not exists (
        select 1 from members m
        where m.id = p.owner and m.heartbeat_at > clock_timestamp() - $3::float8 * interval '1 millisecond'))
    order by p.id limit $5::bigint for update of p skip locked
  )
  update partitions p set epoch = p.epoch + 1, owner = $1
  from free where p.id = free.id
  returning p.id, p.epoch, p.last_evaluated_at`;

async function take(
  db: Database,
  { memberId, ids, limit, leaseMs, fromLiveOwners }: TakeRequest,
): Promise<TakenPartition[]> {
  const { rows } = await db.query<{ id: number; epoch: number; last_evaluated_at: Date | null }>(TAKE, [
    memberId,
    ids.map(String),
    leaseMs,
    fromLiveOwners,
    limit,
  ]);
  return rows.map((row) => ({ id: row.id, epoch: row.epoch, lastEvaluatedAt: row.last_evaluated_at }));
}

/** Locks partitions in order of their ids, like all writers. */
const RELEASE = `
  with mine as (
    select id from partitions where owner = $1 and id = any($2::text[]::smallint[]) order by id for update)
  update partitions p set owner = null from mine where p.id = mine.id`;

async function release(db: Database, memberId: string, ids: readonly number[]): Promise<number> {
  const { rowCount } = await db.query(RELEASE, [memberId, ids.map(String)]);
  return rowCount;
}

async function ownerCounts(db: Database): Promise<OwnerCount[]> {
  const { rows } = await db.query<OwnerCount>(
    'select owner, count(*) as count from partitions group by owner order by owner nulls last',
  );
  return rows;
}

import type { MemberStore } from '../../partition/membership.js';
import type { MemberBeat } from '../../partition/sightings.js';
import type { Database } from '../database.js';

/**
 * Heartbeats of the evaluators. Their times are those of the database server, since the leases of many machines need
 * one clock.
 */
export function createMemberStore(db: Database): MemberStore {
  return {
    beat: (memberId, seen) => beat(db, memberId, seen),
    list: () => list(db),
    remove: (memberId) => remove(db, memberId),
    removeOlderThan: (ageMs) => removeOlderThan(db, ageMs),
  };
}

const BEAT = `
  insert into members (id, role, heartbeat_at, seen, tells_loaded)
  values ($1, 'evaluator', clock_timestamp(), $2::xid8, true)
  on conflict (id) do update set heartbeat_at = clock_timestamp(), seen = excluded.seen
  returning heartbeat_at`;

/** Records a heartbeat and returns its time by the server's clock. */
async function beat(db: Database, memberId: string, seen: string | null): Promise<Date> {
  const { rows } = await db.query<{ heartbeat_at: Date }>(BEAT, [memberId, seen]);
  const row = rows[0];
  if (row === undefined) throw new Error('a heartbeat returned no row');
  return row.heartbeat_at;
}

const LIST = `
  select id, heartbeat_at, (extract(epoch from clock_timestamp() - heartbeat_at) * 1000)::float8 as age_ms
  from members where role = 'evaluator'`;

async function list(db: Database): Promise<MemberBeat[]> {
  const { rows } = await db.query<{ id: string; heartbeat_at: Date; age_ms: number }>(LIST);
  return rows.map((row) => ({ id: row.id, beatAt: row.heartbeat_at.getTime(), ageMs: row.age_ms }));
}

async function remove(db: Database, memberId: string): Promise<void> {
  await db.query('delete from members where id = $1', [memberId]);
}

const REMOVE_OLDER = `
  delete from members
   where role = 'evaluator' and heartbeat_at < clock_timestamp() - $1::float8 * interval '1 millisecond'`;

async function removeOlderThan(db: Database, ageMs: number): Promise<void> {
  await db.query(REMOVE_OLDER, [ageMs]);
}

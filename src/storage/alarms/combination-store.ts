import { AppError } from '../../errors.js';
import type { Sql } from '../database.js';

/** A combination alarm, its members, and the project to which they must belong (null: any, for admins). */
export interface Combination {
  alarmId: string;
  memberIds: readonly string[];
  projectId: string | null;
}

/** Advisory lock of combinations. Any constant that no other lock has. */
const LOCK = 8042_0003;

/**
 * Serialises the writers of combinations until the transaction ends, so that two writers cannot create a cycle
 * together. One lock for all projects, since the combinations of admins span projects.
 */
export async function lockCombinations(tx: Sql): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
}

/**
 * Checks the members of a combination. Call with the lock held, before the alarm is written.
 * @throws AppError `not_found` for a member that does not exist, `invalid_request` for a combination that would contain
 * itself.
 */
export async function refuseBadMembers(tx: Sql, { alarmId, memberIds, projectId }: Combination): Promise<void> {
  if (memberIds.includes(alarmId)) {
    throw new AppError('invalid_request', `Cannot specify alarm ${alarmId} itself in combination rule`);
  }
  const { rows } = await tx.query<{ id: string }>(
    `select id from alarms where id = any($1::text[]) and deleted_at is null and ($2::text is null or project_id = $2)`,
    [memberIds, projectId],
  );
  const present = new Set(rows.map(({ id }) => id));
  const missing = memberIds.find((id) => !present.has(id));
  if (missing !== undefined) {
    throw new AppError(
      'not_found',
      `Alarm ${missing} not found${projectId === null ? '' : ` in project ${projectId}`}`,
    );
  }
  const cycle = cycleThrough(alarmId, memberIds, await membersBelow(tx, memberIds));
  if (cycle) {
    throw new AppError('invalid_request', `Alarm combination rule would make a circle: ${cycle.join(' -> ')}`);
  }
}

/** Replaces the recorded members of a combination. An empty list removes all. */
export async function writeMembers(tx: Sql, combinationId: string, memberIds: readonly string[]): Promise<void> {
  await tx.query('delete from alarm_members where combination_id = $1 and member_id <> all($2::text[])', [
    combinationId,
    memberIds,
  ]);
  if (memberIds.length === 0) return;
  await tx.query(
    `insert into alarm_members (combination_id, member_id) select $1, unnest($2::text[]) on conflict do nothing`,
    [combinationId, memberIds],
  );
}

/** Returns the members of each combination that can be reached from these alarms. */
async function membersBelow(tx: Sql, ids: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await tx.query<{ combination_id: string; member_ids: string[] }>(
    `with recursive reached (id) as (
       select unnest($1::text[])
       union
       select m.member_id from reached r join alarm_members m on m.combination_id = r.id
     )
     select m.combination_id, array_agg(m.member_id) as member_ids
     from alarm_members m join reached r on r.id = m.combination_id group by m.combination_id`,
    [ids],
  );
  return new Map(rows.map((row) => [row.combination_id, row.member_ids]));
}

/** Returns the shortest path from an alarm through its new members back to itself, if there is one. */
function cycleThrough(
  start: string,
  memberIds: readonly string[],
  below: ReadonlyMap<string, string[]>,
): string[] | undefined {
  const cameFrom = new Map(memberIds.map((id) => [id, start]));
  for (const id of cameFrom.keys()) {
    for (const next of below.get(id) ?? []) {
      if (next === start) return [...pathTo(id, start, cameFrom), start];
      if (!cameFrom.has(next)) cameFrom.set(next, id);
    }
  }
  return undefined;
}

function pathTo(id: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [id];
  for (let at = id; at !== start; path.unshift(at)) at = cameFrom.get(at) ?? start;
  return path;
}

import { AppError } from '../../errors.js';
import type { Sql } from '../database.js';
import { MEMBERS, membersBelow, refuseTooDeep, type CombinationMember } from './combination-tree.js';

/** A combination alarm to write, its members, and the project to which they must belong (null: any, for admins). */
export interface Combination {
  alarmId: string;
  memberIds: readonly string[];
  projectId: string | null;
  /** The project of a new alarm. */
  ownerProjectId?: string | null;
}

/** First key of the advisory locks of combinations. Any constant that no other lock has. */
const LOCK = 8042_0003;
/** The text whose hash is the second key, for alarms without a project. */
const NO_PROJECT = '';

/**
 * Serialises the writers of combinations until the transaction ends, so that two writers cannot create a cycle
 * together. One lock for each project of an alarm that the combination reaches: mostly its own only, since only admins
 * combine alarms of several projects. Call it before the alarm is locked or written.
 * @throws AppError `not_found` for a member that does not exist, `invalid_request` for a combination that would contain
 * itself or that is too large, `conflict` if another writer connects it with a further project at the same time.
 */
export async function lockAndCheckMembers(tx: Sql, combination: Combination): Promise<void> {
  const { alarmId, memberIds } = combination;
  if (memberIds.includes(alarmId)) {
    const field = [...MEMBERS, memberIds.indexOf(alarmId)];
    throw new AppError('invalid_request', `Cannot specify alarm ${alarmId} itself in combination rule`, { field });
  }
  const below = await lockedMembersBelow(tx, combination);
  await refuseMissingMembers(tx, combination);
  const cycle = cycleThrough(alarmId, memberIds, below);
  if (cycle) {
    const message = `Alarm combination rule would make a circle: ${cycle.join(' -> ')}`;
    throw new AppError('invalid_request', message, { field: MEMBERS });
  }
  await refuseTooDeep(tx, combination, below);
}

/** The subquery orders the projects, so that two writers lock them in the same order. */
const LOCK_ALL = `
  select pg_advisory_xact_lock($1::integer, key)
    from (select distinct hashtext(project) as key from unnest($2::text[]) as project order by key) as keys`;
/** Does not wait: the locks are not in the order of other writers. */
const LOCK_MORE = `
  select pg_try_advisory_xact_lock($1::integer, hashtext(project)) as "isLocked" from unnest($2::text[]) as project`;

/** Locks the projects that the members reach, and reads again what they reach, until no further project is reached. */
async function lockedMembersBelow(tx: Sql, combination: Combination): Promise<CombinationMember[]> {
  const locked = new Set<string>();
  for (;;) {
    const below = await membersBelow(tx, combination.memberIds);
    const missing = [...(await projectsOf(tx, combination, below))].filter((project) => !locked.has(project));
    if (missing.length === 0) return below;
    const { rows } = await tx.query<{ isLocked?: boolean }>(locked.size === 0 ? LOCK_ALL : LOCK_MORE, [LOCK, missing]);
    if (rows.some(({ isLocked }) => isLocked === false))
      throw new AppError('conflict', 'The members of the combination were changed at the same time: try again');
    for (const project of missing) locked.add(project);
  }
}

async function projectsOf(
  tx: Sql,
  { alarmId, memberIds, ownerProjectId }: Combination,
  below: readonly CombinationMember[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ project_id: string | null }>(
    'select distinct project_id from alarms where id = any($1::text[])',
    [[alarmId, ...memberIds]],
  );
  const projects = new Set([...rows, ...below].map(({ project_id }) => project_id ?? NO_PROJECT));
  if (ownerProjectId !== undefined) projects.add(ownerProjectId ?? NO_PROJECT);
  return projects;
}

async function refuseMissingMembers(tx: Sql, { memberIds, projectId }: Combination): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from alarms where id = any($1::text[]) and deleted_at is null and ($2::text is null or project_id = $2)`,
    [memberIds, projectId],
  );
  const present = new Set(rows.map(({ id }) => id));
  const missing = memberIds.find((id) => !present.has(id));
  if (missing === undefined) return;
  const message = `Alarm ${missing} not found${projectId === null ? '' : ` in project ${projectId}`}`;
  throw new AppError('not_found', message, { field: [...MEMBERS, memberIds.indexOf(missing)] });
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

/** Returns the shortest path from an alarm through its new members back to itself, if there is one. */
function cycleThrough(
  start: string,
  memberIds: readonly string[],
  below: readonly CombinationMember[],
): string[] | undefined {
  const members = new Map<string, string[]>();
  for (const { combination_id, member_id } of below) {
    const known = members.get(combination_id);
    if (known) known.push(member_id);
    else members.set(combination_id, [member_id]);
  }
  const cameFrom = new Map(memberIds.map((id) => [id, start]));
  for (const id of cameFrom.keys()) {
    for (const next of members.get(id) ?? []) {
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

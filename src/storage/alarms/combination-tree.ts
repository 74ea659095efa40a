import { AppError } from '../../errors.js';
import type { Sql } from '../database.js';

/** One alarm in one combination. */
export interface CombinationMember {
  combination_id: string;
  member_id: string;
  /** The project of the member. */
  project_id: string | null;
}

/** Path of the members in the body of a request. */
export const MEMBERS = ['combination_rule', 'alarm_ids'];

/** Levels of combinations, the lowest alarms included. */
const MAX_LEVELS = 10;
/** Memberships of a combination and of all combinations within it, as a sum. */
const MAX_MEMBERSHIPS = 10_000;

const BELOW = `
  select m.combination_id, m.member_id, a.project_id from alarm_members m left join alarms a on a.id = m.member_id
   where m.combination_id = any($1::text[]) limit ${MAX_MEMBERSHIPS + 1}`;
const ABOVE = `
  select combination_id, member_id, null as project_id from alarm_members where member_id = any($1::text[])
   limit ${MAX_MEMBERSHIPS + 1}`;

/**
 * Returns the memberships that can be reached from these members of a combination: one statement for each level.
 * @throws AppError `invalid_request` if there are too many levels or memberships.
 */
export async function membersBelow(tx: Sql, memberIds: readonly string[]): Promise<CombinationMember[]> {
  return (await reach(tx, BELOW, memberIds)).found;
}

interface Combined {
  alarmId: string;
  memberIds: readonly string[];
}

/**
 * Refuses a combination if it, or a combination that contains it, gets too many levels or memberships. `below`: what
 * its members reach.
 */
export async function refuseTooDeep(
  tx: Sql,
  { alarmId, memberIds }: Combined,
  below: readonly CombinationMember[],
): Promise<void> {
  const above = await reach(tx, ABOVE, [alarmId]);
  const containing = [...new Set(above.found.map(({ combination_id }) => combination_id))];
  if (above.levels + 1 + levelsOf(memberIds, below) > MAX_LEVELS) throw tooDeep();
  if (memberIds.length + below.length > MAX_MEMBERSHIPS) throw tooLarge();
  if (containing.length === 0) return;
  const others = await reach(tx, BELOW, containing);
  if (memberIds.length + below.length + others.found.length > MAX_MEMBERSHIPS) throw tooLarge();
}

function levelsOf(memberIds: readonly string[], below: readonly CombinationMember[]): number {
  let levels = 1;
  for (let level = new Set(memberIds); levels <= MAX_LEVELS; levels += 1) {
    level = new Set(below.filter(({ combination_id }) => level.has(combination_id)).map(({ member_id }) => member_id));
    if (level.size === 0) break;
  }
  return levels;
}

/** Follows memberships level by level. Levels beyond the limit are read only if there is no cycle. */
async function reach(
  tx: Sql,
  statement: typeof BELOW | typeof ABOVE,
  start: readonly string[],
): Promise<{ found: CombinationMember[]; levels: number }> {
  const found: CombinationMember[] = [];
  const visited = new Set(start);
  let levels = 0;
  for (let level = [...start]; level.length > 0;) {
    const { rows } = await tx.query<CombinationMember>(statement, [level]);
    found.push(...rows);
    if (found.length > MAX_MEMBERSHIPS) throw tooLarge();
    const next = rows.map(({ combination_id, member_id }) => (statement === BELOW ? member_id : combination_id));
    level = [...new Set(next)].filter((id) => !visited.has(id));
    for (const id of level) visited.add(id);
    if (level.length > 0 && ++levels > MAX_LEVELS) throw tooDeep();
  }
  return { found, levels };
}

function tooDeep(): AppError {
  const message = `Alarm combination rule would have more than ${MAX_LEVELS} levels of alarms`;
  return new AppError('invalid_request', message, { field: MEMBERS });
}

function tooLarge(): AppError {
  const most = `more than ${MAX_MEMBERSHIPS} members at all levels`;
  const message = `Alarm combination rule, or one that contains it, would have ${most}`;
  return new AppError('invalid_request', message, { field: MEMBERS });
}

import type { Database, Sql } from '../database.js';

/**
 * Counts of a project's or user's alarms, for those under a limit. A counter is made when a limit is first met
 * (`startCounting`) and kept for ever after by every insert, deletion and change of owner; projects that never had a
 * limit have no row that creates could wait for.
 *
 * Why none is missed: a writer of alarms holds ROW EXCLUSIVE on the table from before its statement's snapshot until it
 * commits, and `startCounting` holds SHARE ROW EXCLUSIVE, which excludes that, while it counts. So each writer has
 * either committed before the count, and is in it, or takes its snapshot after the counter is there, and sees it.
 * Counters are locked in one order, projects before users and then by id, so that no two writers wait for each other.
 */
export interface CountedOwner {
  kind: 'project' | 'user';
  id: string;
}

const COLUMN = { project: 'project_id', user: 'user_id' } as const;

/**
 * Writers at the same time find the counter made by the first of them, and count nothing. Users' alarms are counted
 * without an index: that happens once a user, where users have a limit at all, and every insert would pay for one.
 */
const startOf = (kind: CountedOwner['kind']): string => `
  insert into alarm_counts (kind, id, alarms)
  select '${kind}', $1, (select count(*) from alarms where ${COLUMN[kind]} = $1 and deleted_at is null)
   where not exists (select from alarm_counts where kind = '${kind}' and id = $1)`;
const START = { project: startOf('project'), user: startOf('user') } as const;

/**
 * Must not run inside a transaction that writes alarms: it waits for those. Harmless when the counter is there already.
 */
export async function startCounting(db: Database, { kind, id }: CountedOwner): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('lock table alarms in share row exclusive mode');
    await tx.query(START[kind], [id]);
  });
}

/**
 * CTEs that add to counters, where there are any, what `changes` says: rows of kind, id (null: no counter) and the
 * difference.
 */
export const countChanges = (changes: string): string => `
  change (kind, id, difference) as (
    select kind, id, sum(difference) from (values ${changes}) as v (kind, id, difference) group by kind, id
      having sum(difference) <> 0
  ), counters as (
    select c.kind, c.id, h.difference from alarm_counts c join change h on h.kind = c.kind and h.id = c.id
     order by c.kind, c.id for update of c
  ), counted as (
    update alarm_counts c set alarms = c.alarms + s.difference from counters s where c.kind = s.kind and c.id = s.id
  )`;

const MOVE = `with ${countChanges(
  `('project', $1::text, -1), ('project', $2::text, 1), ('user', $3::text, -1), ('user', $4::text, 1)`,
)} select`;

interface Owner {
  projectId: string | null;
  userId: string | null;
}

/**
 * For the transaction that has just inserted an alarm without asking for the quota, as for one that is brought over
 * from elsewhere.
 */
export async function countNewAlarm(tx: Sql, owner: Owner): Promise<void> {
  await moveCount(tx, { projectId: null, userId: null }, owner);
}

/**
 * For the transaction that has just given an alarm another owner; whoever gets it may have more than the quota then, as
 * in Aodh.
 */
export async function moveCount(tx: Sql, from: Owner, to: Owner): Promise<void> {
  if (from.projectId === to.projectId && from.userId === to.userId) return;
  await tx.query(MOVE, [from.projectId, to.projectId, from.userId, to.userId]);
}

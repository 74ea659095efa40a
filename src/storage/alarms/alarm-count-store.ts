import type { Database, Sql } from '../database.js';

/**
 * A project or user whose alarms are counted, since a limit applies to it. `startCounting` creates the counter when a
 * limit first applies. From then on every insert, deletion and change of owner updates it. Projects that never had a
 * limit have no counter, so their inserts lock no common row.
 *
 * The counter misses no alarm. A writer of alarms holds ROW EXCLUSIVE on the table from before its statement's snapshot
 * until it commits. `startCounting` holds SHARE ROW EXCLUSIVE, which excludes that, while it counts. So a writer has
 * either committed before the count, or takes its snapshot after the counter exists and updates it. Counters are locked
 * in one order, projects before users and then by id, to avoid deadlocks.
 */
export interface CountedOwner {
  kind: 'project' | 'user';
  id: string;
}

/**
 * Creates the counter of an owner, unless it exists. It waits for all transactions that write alarms, so never call it
 * inside such a transaction. The lock of the table is held within one statement, so that no client that is cut off
 * holds it.
 */
export async function startCounting(db: Database, { kind, id }: CountedOwner): Promise<void> {
  await db.query('select start_counting($1, $2)', [kind, id]);
}

/** SQL of CTEs that update existing counters. `changes`: rows of kind, id (null: no counter) and difference. */
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

interface AlarmOwner {
  projectId: string | null;
  userId: string | null;
}

/** Counts an alarm that was inserted without a check of the quota, such as an imported one. Same transaction. */
export async function countNewAlarm(tx: Sql, owner: AlarmOwner): Promise<void> {
  await moveCount(tx, { projectId: null, userId: null }, owner);
}

/**
 * Moves the count of an alarm to its new owner, in the transaction that has changed the owner. As in Aodh, the new
 * owner may exceed the quota.
 */
export async function moveCount(tx: Sql, from: AlarmOwner, to: AlarmOwner): Promise<void> {
  if (from.projectId === to.projectId && from.userId === to.userId) return;
  await tx.query(MOVE, [from.projectId, to.projectId, from.userId, to.userId]);
}

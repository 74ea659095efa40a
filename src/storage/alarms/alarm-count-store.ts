import type { Clock } from '../../clock.js';
import type { Database, Sql } from '../database.js';
import { DatabaseUnavailable } from '../engine/outage.js';

/**
 * A project or user whose alarms are counted, since a limit applies to it. `startCounting` creates the counter when a
 * limit first applies. From then on every insert, deletion and change of owner updates it. Projects that never had a
 * limit have no counter, so their inserts lock no common row. Counters are locked in one order, projects before users
 * and then by id, to avoid deadlocks.
 */
export interface CountedOwner {
  kind: 'project' | 'user';
  id: string;
}

/** A clock for pauses. */
export type PauseClock = Pick<Clock, 'monotonicMs' | 'sleep'>;

const POLL_MS = 50;
/** As long as a statement waits for a lock. */
const MOST_WAIT_MS = 3_000;

const START = 'select start_counting($1, $2)';

/** Open transactions that write alarms: all, or those of `$3`. None if the counter is complete. */
const OPEN_WRITERS = `
  select distinct l.virtualtransaction as writer
    from pg_locks l
   where l.locktype = 'relation' and l.relation = 'alarms'::regclass and l.mode = 'RowExclusiveLock' and l.granted
     and l.database = (select d.oid from pg_database d where d.datname = current_database())
     and ($3::text[] is null or l.virtualtransaction = any($3))
     and not exists (select from alarm_counts c where c.kind = $1 and c.id = $2 and c.complete)`;

/**
 * The difference is of one snapshot, in which each writer that knows the counter is visible in both numbers or in
 * neither. It is materialized, so that it stays the same if another transaction has changed the counter and PostgreSQL
 * repeats the update on its newest version.
 */
const completeCounter = ({ kind, column }: { kind: CountedOwner['kind']; column: string }): string => `
  with missed as materialized (
    select (select count(*) from alarms a where a.${column} = $1 and a.deleted_at is null) - c.alarms as alarms
      from alarm_counts c where c.kind = '${kind}' and c.id = $1 and not c.complete
  )
  update alarm_counts c set alarms = c.alarms + m.alarms, complete = true from missed m
   where c.kind = '${kind}' and c.id = $1 and not c.complete`;

const COMPLETE: Readonly<Record<CountedOwner['kind'], string>> = {
  project: completeCounter({ kind: 'project', column: 'project_id' }),
  user: completeCounter({ kind: 'user', column: 'user_id' }),
};

/**
 * Creates the counter of an owner and completes it, unless that is done. Other processes may do the same meanwhile, or
 * go on after this one has died.
 *
 * No lock keeps writers of alarms out. The counter is committed first. A writer whose snapshot is younger updates it,
 * in its transaction. A writer whose snapshot is older may not: it holds ROW EXCLUSIVE on the table from before its
 * snapshot until it ends. So all that hold this lock now are waited for, and then the alarms are counted. Never call it
 * inside a transaction that writes alarms, since it would wait for itself.
 * @throws DatabaseUnavailable if a transaction that writes alarms does not end within 3 seconds.
 */
export async function startCounting(db: Database, owner: CountedOwner, clock: PauseClock): Promise<void> {
  await db.query(START, [owner.kind, owner.id]);
  await waitForWriters(db, owner, clock);
  await db.query(COMPLETE[owner.kind], [owner.id]);
}

async function waitForWriters(db: Database, { kind, id }: CountedOwner, clock: PauseClock): Promise<void> {
  const deadline = clock.monotonicMs() + MOST_WAIT_MS;
  for (let open = await openWriters(null); open.length > 0; open = await openWriters(open)) {
    if (clock.monotonicMs() >= deadline) {
      const waited = `${open.length} open transactions that write alarms did not end within ${MOST_WAIT_MS / 1_000} s`;
      throw new DatabaseUnavailable(new Error(`the alarms of a ${kind} cannot be counted: ${waited}`));
    }
    await clock.sleep(POLL_MS);
  }

  async function openWriters(among: readonly string[] | null): Promise<string[]> {
    const { rows } = await db.query<{ writer: string }>(OPEN_WRITERS, [kind, id, among]);
    return rows.map(({ writer }) => writer);
  }
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

import type { Sql } from '../database.js';

/** Most rows of one statement when all delivery queues of a project become due. */
const BATCH = 5_000;

/** SQL of the CTE `heads`, and of the update that makes them due. Parameter 1: now. */
const headsWhere = (which: string, limit = ''): string => `heads as (
    select n.id, d.due
      from notifications n
      cross join lateral (
        select greatest($1::timestamptz, (select h.not_before from delivery_holds h where h.lane = n.lane)) as due
      ) d
     where n.status = 'pending' and ${which} and n.next_attempt_at > $1 and n.next_attempt_at > d.due
       and (n.kind <> 'repeat' or n.attempt > 0)
       and not exists (
         select 1 from notifications e
          where e.lane = n.lane and e.ordinal < n.ordinal and e.status in ('pending', 'in_flight')
       )
     ${limit} for update of n skip locked
  )`;
const BRING_HEADS = `
  update notifications n
     set next_attempt_at = heads.due, attempt_base = n.attempt_base + (n.attempt > n.attempt_base)::int
    from heads where n.id = heads.id`;
const bringForward = (which: string, limit = ''): string => `with ${headsWhere(which, limit)} ${BRING_HEADS}`;

/** SQL condition on `n`: it is the head of one of these queues. It finds the heads first, since queues may be long. */
const isHeadOf = (queues: string): string => `n.id in (
  select h.id from ${queues} as q (lane) cross join lateral (
    select o.id from notifications o
     where o.lane = q.lane and o.status in ('pending', 'in_flight') order by o.ordinal limit 1
  ) h)`;
const OF_QUEUES = bringForward(isHeadOf('unnest($2::text[])'));

/**
 * SQL of CTEs that bring the delivery queues of the CTE `replayed` (lane, ordinal) forward. The statement does not see
 * that it makes these notifications pending. So it brings the first of the other notifications forward, unless a
 * replayed one precedes it. Parameter 1: now.
 */
export const BRING_REPLAYED = `${headsWhere(`${isHeadOf('(select distinct lane from replayed)')} and not exists (
       select from replayed r where r.lane = n.lane and r.ordinal < n.ordinal)`)},
  brought as (${BRING_HEADS})`;
const OF_ALARM = bringForward('n.alarm_id = $2');
const OF_PROJECT = bringForward("($2 = '*' or n.project_id = $2)", `limit ${BATCH}`);

/**
 * Makes the heads of these delivery queues due now, or when their receiver's Retry-After ends, if they wait for a later
 * attempt. The next attempt does not count in the retry schedule. Repeats that wait for the end of the hour, at the
 * limit of their project, still wait. A head that another transaction has locked is skipped.
 */
export async function bringQueuesForward(sql: Sql, queues: readonly string[], now: Date): Promise<void> {
  if (queues.length > 0) await sql.query(OF_QUEUES, [now, [...new Set(queues)]]);
}

/** Like `bringQueuesForward`, for all delivery queues of an alarm. */
export async function bringAlarmForward(sql: Sql, alarmId: string, now: Date): Promise<void> {
  await sql.query(OF_ALARM, [now, alarmId]);
}

/**
 * Like `bringQueuesForward`, for all delivery queues of a project (`*`: of all projects). Each statement changes a
 * bounded number of rows.
 */
export async function bringProjectForward(sql: Sql, projectId: string, now: Date): Promise<void> {
  while ((await sql.query(OF_PROJECT, [now, projectId])).rowCount === BATCH);
}

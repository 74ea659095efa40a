import type { Sql } from '../database.js';

/** Most rows of one statement, if all queues of a project are brought forward. */
const BATCH = 5_000;

const bringForward = (which: string, limit = ''): string => `
  with heads as (
    select n.id, d.due
      from notifications n
      cross join lateral (
        select greatest($1::timestamptz, (select h.not_before from delivery_holds h where h.lane = n.lane)) as due
      ) d
     where n.status = 'pending' and ${which} and n.next_attempt_at > $1 and n.next_attempt_at > d.due
       and not exists (
         select 1 from notifications e
          where e.lane = n.lane and e.ordinal < n.ordinal and e.status in ('pending', 'in_flight')
       )
     ${limit} for update of n skip locked
  )
  update notifications n
     set next_attempt_at = heads.due, attempt_base = n.attempt_base + (n.attempt > n.attempt_base)::int
    from heads where n.id = heads.id`;

/** By the head of each queue: a queue of events may be long. */
const OF_QUEUES = bringForward(`n.id in (
  select h.id from unnest($2::text[]) as q (lane) cross join lateral (
    select o.id from notifications o
     where o.lane = q.lane and o.status in ('pending', 'in_flight') order by o.ordinal limit 1
  ) h)`);
const OF_ALARM = bringForward('n.alarm_id = $2');
const OF_PROJECT = bringForward("($2 = '*' or n.project_id = $2)", `limit ${BATCH}`);

/**
 * Makes the heads of these delivery queues due now, if they wait by the retry schedule; but not before their receiver's
 * Retry-After has passed. The next attempt does not use up the schedule. A head that another transaction has locked is
 * not changed.
 */
export async function bringQueuesForward(sql: Sql, lanes: readonly string[], now: Date): Promise<void> {
  if (lanes.length > 0) await sql.query(OF_QUEUES, [now, [...new Set(lanes)]]);
}

/** As `bringQueuesForward`, for all queues of an alarm. */
export async function bringAlarmForward(sql: Sql, alarmId: string, now: Date): Promise<void> {
  await sql.query(OF_ALARM, [now, alarmId]);
}

/**
 * As `bringQueuesForward`, for all queues of a project (`*`: of all projects). Each statement changes a bounded number
 * of rows.
 */
export async function bringProjectForward(sql: Sql, projectId: string, now: Date): Promise<void> {
  while ((await sql.query(OF_PROJECT, [now, projectId])).rowCount === BATCH);
}

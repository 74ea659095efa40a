import type { Sql } from '../database.js';

/** Most rows that one statement deletes. */
const PRUNE_BATCH = 5_000;

/**
 * SQL for the end of the hour in which a project has reached its limit; null if it has not in the hour of `now`. A
 * project is '' if there is none.
 */
export function limitedUntil(project: string, now: string): string {
  return `(select l.since + interval '1 hour' from notification_hours l where l.project_id = ${project}
    and l.limited_at is not null and l.since > ${now}::timestamptz - interval '1 hour')`;
}

/**
 * SQL that counts the notifications of `taken` whose first attempt begins, and marks the projects that reach the limit.
 * An hour begins with the first notification after the last hour. Without a limit (0) nothing is counted.
 */
export function countHour(now: string, limit: string): string {
  const isNewHour = `h.since <= ${now}::timestamptz - interval '1 hour'`;
  return `
    insert into notification_hours as h (project_id, since, sent, limited_at)
    select coalesce(t.project_id, ''), ${now}::timestamptz, count(*),
           case when count(*) >= ${limit}::int then ${now} end
      from taken t where t.attempt = 1 and ${limit}::int > 0 group by 1 order by 1
    on conflict (project_id) do update set
      since = case when ${isNewHour} then excluded.since else h.since end,
      sent = case when ${isNewHour} then 0 else h.sent end + excluded.sent,
      limited_at = case when ${isNewHour} then excluded.limited_at
        when h.limited_at is not null then h.limited_at
        when h.sent + excluded.sent >= ${limit} then ${now} end
    returning h.project_id, h.sent, h.limited_at`;
}

/** SQL condition on `taken`: its project has reached the limit with these notifications, and not before. */
export function reachesLimit(now: string, limit: string): string {
  return `exists (
    select from counted c
     where c.project_id = coalesce(taken.project_id, '') and c.limited_at = ${now} and c.sent - (
       select count(*) from taken t where t.attempt = 1 and coalesce(t.project_id, '') = c.project_id
     ) < ${limit}::int)`;
}

/** SQL for the `DeliveryPause`s of repeats, of projects at their limit. Parameters: project or null, now. */
export const LIMITED_PROJECTS = `
  select project_id as "projectId", limited_at as "pausedAt", since + interval '1 hour' as until
    from notification_hours
   where limited_at is not null and since > $2::timestamptz - interval '1 hour'
     and ($1::text is null or project_id = $1)`;

const PRUNE = `
  delete from notification_hours where project_id in (
    select project_id from notification_hours where since < $1 limit ${PRUNE_BATCH} for update skip locked)`;

/** Deletes hours that began before this time. */
export async function pruneHours(sql: Sql, before: Date): Promise<void> {
  await sql.query(PRUNE, [before]);
}

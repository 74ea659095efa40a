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

/** SQL condition on a row `h`: its hour is over. */
const isNewHour = (now: string): string => `h.since <= ${now}::timestamptz - interval '1 hour'`;

/**
 * SQL condition on `taken`: it counts now. A replay was counted when it was asked for. Heartbeats are of the service,
 * and must not use up the hour of alarms without a project.
 */
const IS_COUNTED = `t.attempt = 1 and not t.is_replayed and t.kind <> 'heartbeat'`;

/**
 * SQL that counts the notifications of `taken` whose first attempt begins, and marks the projects that reach the limit.
 * An hour begins with the first notification after the last hour. Without a limit (0) nothing is counted.
 */
export function countHour(now: string, limit: string): string {
  return `
    insert into notification_hours as h (project_id, since, sent, limited_at)
    select coalesce(t.project_id, ''), ${now}::timestamptz, count(*),
           case when count(*) >= ${limit}::int then ${now} end
      from taken t where ${IS_COUNTED} and ${limit}::int > 0 group by 1 order by 1
    on conflict (project_id) do update set
      since = case when ${isNewHour(now)} then excluded.since else h.since end,
      sent = case when ${isNewHour(now)} then 0 else h.sent end + excluded.sent,
      limited_at = case when ${isNewHour(now)} then excluded.limited_at
        when h.limited_at is not null then h.limited_at
        when h.sent + excluded.sent >= ${limit} then ${now} end
    returning h.project_id, h.sent, h.limited_at`;
}

/** SQL condition on `taken`: its project has reached the limit with these notifications, and not before. */
export function reachesLimit(now: string, limit: string): string {
  return `exists (
    select from counted c
     where c.project_id = coalesce(taken.project_id, '') and c.limited_at = ${now} and c.sent - (
       select count(*) from taken t where ${IS_COUNTED} and coalesce(t.project_id, '') = c.project_id
     ) < ${limit}::int)`;
}

/** The present hour of a project. */
interface ProjectHour {
  /** Notifications that count in it so far. */
  sent: number;
  until: Date;
}

const BEGIN = `
  insert into notification_hours as h (project_id, since, sent)
  select p, $2::timestamptz, 0 from unnest($1::text[]) p order by 1
  on conflict (project_id) do update set
    since = case when ${isNewHour('$2')} then excluded.since else h.since end,
    sent = case when ${isNewHour('$2')} then 0 else h.sent end,
    limited_at = case when ${isNewHour('$2')} then null else h.limited_at end
  returning project_id as project, sent, since + interval '1 hour' as until`;

/** Begins the hours of these projects unless they have begun, and locks them until the end of the transaction. */
export async function beginHours(tx: Sql, projects: ReadonlySet<string>, now: Date): Promise<Map<string, ProjectHour>> {
  if (projects.size === 0) return new Map();
  const { rows } = await tx.query<ProjectHour & { project: string }>(BEGIN, [[...projects], now]);
  return new Map(rows.map(({ project, ...hour }) => [project, hour]));
}

const COUNT = `
  update notification_hours h
     set sent = h.sent + c.added,
         limited_at = coalesce(h.limited_at, case when h.sent + c.added >= $4 then $3::timestamptz end)
    from unnest($1::text[], $2::int[]) as c (project, added)
   where h.project_id = c.project
  returning h.project_id as project, h.sent - c.added < $4 and h.sent >= $4 as "isReached"`;

/** Counts in hours that have begun. Returns the projects that have reached the limit by it; none without a limit. */
export async function countInHours(
  tx: Sql,
  added: ReadonlyMap<string, number>,
  { now, perProjectAndHour }: { now: Date; perProjectAndHour: number },
): Promise<string[]> {
  if (added.size === 0 || perProjectAndHour === 0) return [];
  const parameters = [[...added.keys()], [...added.values()], now, perProjectAndHour];
  const { rows } = await tx.query<{ project: string; isReached: boolean }>(COUNT, parameters);
  return rows.filter(({ isReached }) => isReached).map(({ project }) => project);
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

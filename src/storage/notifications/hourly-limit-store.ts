import type { Sql } from '../database.js';

/** Most rows that one statement deletes. */
const PRUNE_BATCH = 5_000;
const HOUR_MS = 3_600_000;

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

/** SQL for the notifications of a row `h` in its hour; 0 if that is over. */
const sentIn = (now: string): string => `case when ${isNewHour(now)} then 0 else h.sent end`;

/** SQL for a new row: its hour begins now. `given`: a query of project and number. */
const newHours = (given: string, { now, limit }: CountSql): string => `
    insert into notification_hours as h (project_id, since, sent, limited_at)
    select g.project, ${now}::timestamptz, g.number, case when g.number >= ${limit}::int then ${now}::timestamptz end
      from (${given}) as g (project, number)`;

/** SQL that counts `added` more notifications in a row `h`. An hour begins with the first one after the last hour. */
const countMore = (added: string, { now, limit }: CountSql): string => `
      since = case when ${isNewHour(now)} then ${now}::timestamptz else h.since end,
      sent = ${sentIn(now)} + ${added},
      limited_at = case when not (${isNewHour(now)}) and h.limited_at is not null then h.limited_at
        when ${sentIn(now)} + ${added} >= ${limit}::int then ${now}::timestamptz end`;

/**
 * SQL that counts the rows of `given` (a query of project and number), and marks the projects that reach the limit. It
 * waits for locked rows, in the order of the projects, and holds these rows until its statement ends, so call it
 * outside of a transaction: then no client that is cut off holds one.
 */
export function countInHours(given: string, { now, limit, onlyIf = 'true' }: CountSql & { onlyIf?: string }): string {
  return `${newHours(given, { now, limit })} where ${limit}::int > 0 order by 1
    on conflict (project_id) do update set ${countMore('excluded.sent', { now, limit })}
      where ${onlyIf}
    returning h.project_id as project, h.sent, h.since + interval '1 hour' as until`;
}

/** SQL for `onlyIf`, a condition on a row `h` and `excluded`: the notifications are within the limit. */
export const withinHour = (now: string, limit: string): string => `${sentIn(now)} + excluded.sent <= ${limit}::int`;

/** Texts of SQL: the time, and the limit of an hour. */
interface CountSql {
  now: string;
  limit: string;
}

/** SQL condition: the project of the count `counted` has reached the limit with this `number`, and not before. */
export const reachesLimit = (counted: string, number: string, limit: string): string =>
  `${counted}.sent >= ${limit}::int and ${counted}.sent - ${number} < ${limit}::int`;

const CLAIMED = { now: '$3', limit: '$4' };
const GIVEN = 'unnest($1::text[], $2::int[]) as g (project, number)';

const ADD_TO_HOURS = `
  with free as materialized (
    select h.project_id, g.number from ${GIVEN} join notification_hours h on h.project_id = g.project
       for no key update of h skip locked
  )
  update notification_hours h set ${countMore('free.number', CLAIMED)}
    from free where h.project_id = free.project_id
  returning h.project_id as project, ${reachesLimit('h', 'free.number', '$4')} as "isReached"`;

const BEGIN_HOURS = `
  ${newHours(`select g.project, g.number from ${GIVEN}`, CLAIMED)}
   where not exists (select from notification_hours h where h.project_id = g.project) order by 1
  on conflict (project_id) do nothing
  returning h.project_id as project, h.sent >= $4::int as "isReached"`;

/** Numbers of notifications by project ('' for none). */
export type NumbersByProject = ReadonlyMap<string, number>;

/** The time, and the limit of notifications of a project in an hour, which is above 0. */
export interface HourRules {
  now: Date;
  perProjectAndHour: number;
}

/** Projects that a statement has counted. */
export interface CountedInHours {
  /** The projects whose notifications are counted. Those of the others are to be counted again. */
  projects: ReadonlySet<string>;
  /** The projects among these that have reached the limit by this count. */
  limited: string[];
}

/** Counts notifications in hours that have begun. It waits for no lock: a project whose hour is locked is left out. */
export function addToHours(sql: Sql, numbers: NumbersByProject, rules: HourRules): Promise<CountedInHours> {
  return count(sql, ADD_TO_HOURS, numbers, rules);
}

/**
 * Counts notifications of projects that have no hour yet. If another transaction begins the hour of the same project,
 * it waits for that one, and leaves the project out. It locks no hour that has begun, and begins hours in the order of
 * the projects, as replays do: so two transactions never wait for each other.
 */
export function beginHours(sql: Sql, numbers: NumbersByProject, rules: HourRules): Promise<CountedInHours> {
  return count(sql, BEGIN_HOURS, numbers, rules);
}

async function count(
  sql: Sql,
  text: string,
  numbers: NumbersByProject,
  { now, perProjectAndHour }: HourRules,
): Promise<CountedInHours> {
  const parameters = [[...numbers.keys()], [...numbers.values()], now, perProjectAndHour];
  const { rows } = await sql.query<{ project: string; isReached: boolean }>(text, parameters);
  return {
    projects: new Set(rows.map(({ project }) => project)),
    limited: rows.filter(({ isReached }) => isReached).map(({ project }) => project),
  };
}

const END = `select since + interval '1 hour' as until from notification_hours where project_id = $1`;

/** The end of the hour of a project ('' for none); an hour from now if it has none. */
export async function endOfHour(sql: Sql, project: string, now: Date): Promise<Date> {
  const { rows } = await sql.query<{ until: Date }>(END, [project]);
  return rows[0]?.until ?? new Date(now.getTime() + HOUR_MS);
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

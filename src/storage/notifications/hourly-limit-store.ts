import type { Sql } from '../database.js';
import { DatabaseUnavailable } from '../engine/outage.js';

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

/**
 * SQL that counts the rows of `given` (a query of project and number), and marks the projects that reach the limit. An
 * hour begins with the first notification after the last hour. It holds the rows of the projects until its statement
 * ends, so call it outside of a transaction: then no client that is cut off holds one.
 */
export function countInHours(given: string, { now, limit, onlyIf = 'true' }: CountSql): string {
  return `
    insert into notification_hours as h (project_id, since, sent, limited_at)
    select g.project, ${now}::timestamptz, g.number, case when g.number >= ${limit}::int then ${now}::timestamptz end
      from (${given}) as g (project, number) where ${limit}::int > 0 order by 1
    on conflict (project_id) do update set
      since = case when ${isNewHour(now)} then excluded.since else h.since end,
      sent = ${sentIn(now)} + excluded.sent,
      limited_at = case when not (${isNewHour(now)}) and h.limited_at is not null then h.limited_at
        when ${sentIn(now)} + excluded.sent >= ${limit} then ${now}::timestamptz end
      where ${onlyIf}
    returning h.project_id as project, h.sent, h.since + interval '1 hour' as until`;
}

/** SQL for `onlyIf`: the notifications are within the limit. */
export const withinHour = (now: string, limit: string): string => `${sentIn(now)} + excluded.sent <= ${limit}::int`;

/** Texts of SQL: the time and the limit of an hour, and a condition on a row `h` and `excluded`. */
interface CountSql {
  now: string;
  limit: string;
  onlyIf?: string;
}

/** SQL condition: the project of the count `counted` has reached the limit with this `number`, and not before. */
export const reachesLimit = (counted: string, number: string, limit: string): string =>
  `${counted}.sent >= ${limit}::int and ${counted}.sent - ${number} < ${limit}::int`;

/** Skips hours that another statement has locked, and inserts those that do not exist. */
const COUNT = `
  with given as (select g.project, g.number from unnest($1::text[], $2::int[]) as g (project, number)),
  free as materialized (
    select h.project_id from given g join notification_hours h on h.project_id = g.project
     order by 1 for no key update of h skip locked
  ),
  counted as (${countInHours(
    `select g.project, g.number from given g
      where g.project in (select project_id from free)
         or not exists (select from notification_hours h where h.project_id = g.project)`,
    { now: '$3', limit: '$4' },
  )})
  select c.project, ${reachesLimit('c', 'g.number', '$4')} as "isReached"
    from counted c join given g on g.project = c.project`;

/** The time, and the limit of notifications of a project in an hour; 0: no limit. */
interface HourRules {
  now: Date;
  perProjectAndHour?: number;
}

/**
 * Counts the notifications that one notifier has claimed, for the hourly limits of their projects. It counts after the
 * claim, so that a locked count delays no delivery. Notifications whose count is locked, or fails, are counted with the
 * next call. If the notifier ends before, they are never counted.
 */
export class HourCounter {
  #uncounted = new Map<string, number>();

  constructor(private readonly sql: Sql) {}

  /** `added`: numbers of notifications by project. Returns the projects that have reached the limit by them. */
  async count(added: ReadonlyMap<string, number>, { now, perProjectAndHour = 0 }: HourRules): Promise<string[]> {
    if (perProjectAndHour === 0) return [];
    this.#add(added);
    if (this.#uncounted.size === 0) return [];
    const given = this.#uncounted;
    this.#uncounted = new Map();
    try {
      const parameters = [[...given.keys()], [...given.values()], now, perProjectAndHour];
      const { rows } = await this.sql.query<{ project: string; isReached: boolean }>(COUNT, parameters);
      const counted = new Set(rows.map(({ project }) => project));
      this.#add(new Map([...given].filter(([project]) => !counted.has(project))));
      return rows.filter(({ isReached }) => isReached).map(({ project }) => project);
    } catch (thrown) {
      if (!(thrown instanceof DatabaseUnavailable)) throw thrown;
      this.#add(given);
      return [];
    }
  }

  #add(numbers: ReadonlyMap<string, number>): void {
    for (const [project, number] of numbers) this.#uncounted.set(project, (this.#uncounted.get(project) ?? 0) + number);
  }
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

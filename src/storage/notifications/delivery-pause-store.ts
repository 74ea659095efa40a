import { bringProjectForward } from './bring-forward-store.js';
import type { Database, Sql } from '../database.js';
import { LIMITED_PROJECTS } from './hourly-limit-store.js';
import { scopeParameter, type Scope } from '../scope.js';

/** A pause to begin or to change. */
export interface NewPause {
  /** `*` pauses all projects. */
  projectId: string;
  /** Null: it lasts until `resume`. */
  endsAt: Date | null;
  reason: string | null;
  /** Id of the user who pauses. */
  pausedBy: string | null;
}

/** A project whose notifications, or only its repeats, are not sent at present. */
export interface DeliveryPause extends NewPause {
  pausedAt: Date;
  /** The end of the hour in which repeats wait, since the project has reached its hourly limit; null for a pause. */
  until: Date | null;
}

/** SQL condition on a row `p` of `delivery_pauses`: it has not ended. `now`: a parameter. */
const hasNotEnded = (now: string): string => `(p.ends_at is null or p.ends_at > ${now}::timestamptz)`;

/** SQL condition: the deliveries of a project, or of all projects, are paused. `now`: a parameter. */
export function isPaused(projectId: string, now: string): string {
  return `exists (
    select 1 from delivery_pauses p where p.project_id in ('*', ${projectId}) and ${hasNotEnded(now)})`;
}

/** SQL for the first end of a pause after a time. `after`: a parameter. */
export function nextEndOfPause(after: string): string {
  return `(select min(p.ends_at) from delivery_pauses p where p.ends_at > ${after}::timestamptz)`;
}

const COLUMNS = `p.project_id as "projectId", p.paused_at as "pausedAt", p.ends_at as "endsAt", p.reason,
  p.paused_by as "pausedBy"`;
const PAUSES = `
  select ${COLUMNS}, null::timestamptz as until from delivery_pauses p
   where ($1::text is null or p.project_id in ($1, '*')) and ${hasNotEnded('$2')}
  union all
  select l."projectId", l."pausedAt", null, null, null, l.until from (${LIMITED_PROJECTS}) l
  order by 1, 6 desc`;
const PAUSE_OF_PROJECT = `
  select ${COLUMNS}, null as until from delivery_pauses p
   where p.project_id in ('*', $1) and ${hasNotEnded('$2')} order by p.project_id limit 1`;

/** SQL that tells the streams of a project, or of all, about `pauses`: a query of `project_id` and `change`. */
const noteInStream = (pauses: string, at: string): string => `
  insert into stream_entries (kind, project_id, all_projects, object_id, change, at)
  select 'pause', project_id, project_id = '*', project_id, change, ${at}::timestamptz from (${pauses}) p`;

/** A pause that goes on keeps its start. */
const PAUSE = `
  with paused as (
  insert into delivery_pauses as p (project_id, paused_at, ends_at, reason, paused_by) values ($1, $2, $3, $4, $5)
  on conflict (project_id) do update set
    paused_at = case when ${hasNotEnded('excluded.paused_at')} then p.paused_at else excluded.paused_at end,
    ends_at = excluded.ends_at, reason = excluded.reason, paused_by = excluded.paused_by
  returning project_id, case when p.paused_at = $2 then 'begun' else 'changed' end as change)
  ${noteInStream('select * from paused', '$2')}`;

/** `isOver`: an SQL condition beside that on the project. */
const endSql = (isOver: string): string => `
  with ended as (
    delete from delivery_pauses where project_id = $1 and ${isOver} returning project_id, 'ended' as change)
  ${noteInStream('select * from ended', '$2')}`;
const RESUME = endSql('true');
const END_IN_TIME = endSql('ends_at <= $2');

/** The pauses and the limits that apply to a scope now. */
export async function pausesOf(sql: Sql, scope: Scope, now: Date): Promise<DeliveryPause[]> {
  return (await sql.query<DeliveryPause>(PAUSES, [scopeParameter(scope), now])).rows;
}

/** The pause that applies to a project now; undefined if there is none. */
export async function pauseOfProject(
  sql: Sql,
  projectId: string | null,
  now: Date,
): Promise<DeliveryPause | undefined> {
  return (await sql.query<DeliveryPause>(PAUSE_OF_PROJECT, [projectId, now])).rows[0];
}

/** Keeps a project's notifications pending until its end or `resume`. Evaluation and history continue. */
export async function pause(sql: Sql, { projectId, endsAt, reason, pausedBy }: NewPause, now: Date): Promise<void> {
  await sql.query(PAUSE, [projectId, now, endsAt, reason, pausedBy]);
}

/** Ends a pause, if there is one. Notifications that wait for their next attempt become due now. */
export async function resume(db: Database, projectId: string, now: Date): Promise<void> {
  const { rowCount } = await db.query(RESUME, [projectId, now]);
  if (rowCount > 0) await bringProjectForward(db, projectId, now);
}

/** Like `resume`, for the pauses that have ended by themselves. The stream has an event of each. */
export async function endPauses(db: Database, now: Date): Promise<void> {
  const { rows } = await db.query<{ projectId: string }>(
    'select project_id as "projectId" from delivery_pauses where ends_at <= $1',
    [now],
  );
  for (const { projectId } of rows) {
    // Before the deletion, so that it is done again if this process is killed.
    await bringProjectForward(db, projectId, now);
    await db.query(END_IN_TIME, [projectId, now]);
  }
}

import type { Database, Sql } from '../database.js';
import { isPaused, nextEndOfPause } from './delivery-pause-store.js';
import type { ClaimedNotification } from './claimed-notification.js';
import {
  addToHours,
  beginHours,
  type CountedInHours,
  type HourRules,
  type NumbersByProject,
} from './hourly-limit-store.js';
import {
  recordAttempts,
  type FinishedAttempt,
  type RecordedAttempts,
  type RecordRules,
} from './notification-record.js';
import { takeClaims } from './notification-take-store.js';
import { chooseFairly, type ClaimCandidate, type ClaimCursor } from './fair-choice.js';
import type { PermitShares } from './permit-pool.js';
import { UNRESPONSIVE_HOST_EVERY_MS, LOCAL_HOSTS } from './receiver-host-store.js';

export type { FinishedAttempt, RecordedAttempt, RecordedAttempts, RecordRules } from './notification-record.js';

/** Bounds of the search of one claim. The next claim continues from the cursor. */
export const HOSTS_PER_CLAIM = 128;
export const PROJECTS_PER_HOST = 64;
const HOST_PROJECTS_PER_CLAIM = 256;
const DUE_ROWS_PER_HOST_PROJECT = 256;

/** What a notifier may claim now. */
export interface ClaimRequest {
  now: Date;
  claimUntil: Date;
  /** Most notifications of this claim. */
  limit: number;
  /** Most attempts under way at one host, and at one host for one project, of all notifiers together. */
  perHost: number;
  perHostAndProject: number;
  cursor: ClaimCursor;
  /** If absent, only `limit` and the limits per host apply. */
  shares?: PermitShares;
}

/** The claimed notifications, and the position from which the next claim continues. */
export interface ClaimResult {
  claimed: ClaimedNotification[];
  cursor: ClaimCursor;
  /** False if the search has reached every notification that can be claimed at this moment. */
  more: boolean;
  /** Number of due notifications that were cancelled: an edit removed their action, or their alarm was deleted. */
  dropped: number;
  /** What is to be counted for the hourly limits of the projects, with `addToHours` and `beginHours`. */
  toCount: NumbersByProject;
}

/** Claims of due notifications, and the outcomes of their attempts. */
export interface NotificationClaimStore {
  /**
   * Claims up to `limit` due notifications within the free permits, at most one per delivery queue. Hosts and projects
   * are served round robin. An unresponsive host (new, or without an answer to its last attempt) gets one connection
   * and at most one attempt a second. The claims of all notifiers take their notifications one after the other, which
   * keeps the counts of permits correct.
   */
  claim(request: ClaimRequest): Promise<ClaimResult>;
  /** See `addToHours` of the hourly limits. */
  addToHours(numbers: NumbersByProject, rules: HourRules): Promise<CountedInHours>;
  /** See `beginHours` of the hourly limits. */
  beginHours(numbers: NumbersByProject, rules: HourRules): Promise<CountedInHours>;
  /** Records outcomes. An outcome whose claim has passed to another attempt is ignored. */
  record(finished: readonly FinishedAttempt[], rules: RecordRules): Promise<RecordedAttempts>;
  /** Returns the next time after `after` at which a pending notification becomes due; null if there is none. */
  nextDueAt(after: Date): Promise<Date | null>;
}

export function createNotificationClaimStore(db: Database): NotificationClaimStore {
  return {
    claim: (request) => claim(db, request),
    addToHours: (numbers, rules) => addToHours(db, numbers, rules),
    beginHours: (numbers, rules) => beginHours(db, numbers, rules),
    record: (finished, rules) => recordAttempts(db, finished, rules),
    nextDueAt: (after) => nextDueAt(db, after),
  };
}

/**
 * Runs two statements, each in its own transaction: it searches and takes notifications. The search locks nothing, so
 * several notifiers can find the same notifications. The second statement takes only those that are still due and free.
 */
async function claim(sql: Sql, request: ClaimRequest): Promise<ClaimResult> {
  const { rows } = await sql.query<ClaimCandidate>(CANDIDATES, [
    request.cursor.host,
    HOSTS_PER_CLAIM,
    [...request.cursor.resume.keys()],
    [...request.cursor.resume.values()],
    request.perHost,
    request.perHostAndProject,
    request.now,
    HOST_PROJECTS_PER_CLAIM,
    PROJECTS_PER_HOST,
    DUE_ROWS_PER_HOST_PROJECT,
    request.shares && request.shares.unresponsive <= 0 ? 0 : 1,
    new Date(request.now.getTime() - UNRESPONSIVE_HOST_EVERY_MS),
    LOCAL_HOSTS,
    request.shares?.isFirstPass ? '' : request.cursor.unresponsiveAfter,
  ]);
  const { chosen, cursor, more } = chooseFairly(rows, request, {
    hosts: HOSTS_PER_CLAIM,
    projectsPerHost: PROJECTS_PER_HOST,
    hostProjects: HOST_PROJECTS_PER_CLAIM,
  });
  const { taken, dropped, toCount } = await takeClaims(sql, [...chosen.keys()], request);
  // If another notifier has taken some of them meanwhile, a new search may find others for the permits that are left.
  const isShort = taken.length + dropped < chosen.size;
  return { claimed: taken, cursor, more: more || isShort, dropped, toCount };
}

/**
 * The due heads of delivery queues, by host and project. A loose index scan goes from host to host, and at each host
 * from project to project, so that a million rows of one project cost no more than one row. At each host it continues
 * after the project that was served last.
 */
const CANDIDATES = `
with recursive
busy as materialized (
  select host, coalesce(project_id, '') as project, count(*)::int as n
  from notifications where status = 'in_flight' group by 1, 2
),
busy_hosts as materialized (select host, sum(n)::int as n from busy group by host),
resumes as materialized (select * from unnest($3::text[], $4::text[]) as r (host, project)),
hosts (host, position) as (
  (select n.host, 1 from notifications n where n.status = 'pending' and n.host > $1 order by n.host limit 1)
  union all
  select next.host, h.position + 1
  from hosts h cross join lateral (
    select n.host from notifications n where n.status = 'pending' and n.host > h.host order by n.host limit 1
  ) next
  where h.position < $2
),
host_states as materialized (
  select h.host, h.position,
    coalesce((select b.n from busy_hosts b where b.host = h.host), 0) as busy,
    coalesce((select r.project from resumes r where r.host = h.host), '') as resume,
    k.is_responsive,
    k.claimed_at,
    case when k.is_responsive then $5::int
         when k.is_too_soon or h.host <= $14 then 0
         else $11::int end as connections
  from hosts h cross join lateral (
    select coalesce(bool_or(r.answered), false) or h.host = any($13::text[]) as is_responsive,
           max(r.claimed_at) as claimed_at,
           coalesce(bool_or(r.outcome_at is not null and r.claimed_at > $12), false) as is_too_soon
    from receiver_hosts r where r.host = h.host
  ) k
),
host_projects as materialized (
  select t.host, t.position as host_position, t.busy as host_claims, t.connections, t.is_responsive, t.claimed_at,
    q.project, q.position
  from host_states t left join lateral (
    with recursive later (project, position) as (
      (select coalesce(n.project_id, ''), 1 from notifications n
        where t.busy < t.connections and n.status = 'pending' and n.host = t.host
          and coalesce(n.project_id, '') > t.resume
        order by coalesce(n.project_id, '') limit 1)
      union all
      select next.project, l.position + 1
      from later l cross join lateral (
        select coalesce(n.project_id, '') as project from notifications n
        where n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') > l.project
        order by coalesce(n.project_id, '') limit 1
      ) next
      where l.position < $9
    ), earlier (project, position) as (
      (select coalesce(n.project_id, ''), 1 from notifications n
        where t.busy < t.connections and n.status = 'pending' and n.host = t.host
          and coalesce(n.project_id, '') <= t.resume
        order by coalesce(n.project_id, '') limit 1)
      union all
      select next.project, e.position + 1
      from earlier e cross join lateral (
        select coalesce(n.project_id, '') as project from notifications n
        where n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') > e.project
          and coalesce(n.project_id, '') <= t.resume
        order by coalesce(n.project_id, '') limit 1
      ) next
      where e.position < $9
    )
    select project, position from later
    union all
    select project, position + $9 from earlier
  ) q on true
  limit $8
)
select q.host, q.host_position as "hostPosition", q.host_claims as "hostClaims", q.connections,
  q.is_responsive as "isResponsive", q.claimed_at as "claimedAt", q.project, q.position as "projectPosition",
  q.claims as "projectClaims", c.id
from (
  select p.*, coalesce((select b.n from busy b where b.host = p.host and b.project = p.project), 0) as claims
  from host_projects p
) q
left join lateral (
  select d.id, d.next_attempt_at
  from (
    select n.id, n.lane, n.ordinal, n.next_attempt_at from notifications n
    where n.status = 'pending' and n.host = q.host and coalesce(n.project_id, '') = q.project
      and n.next_attempt_at <= $7
      and not exists (
        select 1 from notifications e
        where e.lane = n.lane and (e.status = 'in_flight' or e.ordinal < n.ordinal)
          and e.status in ('pending', 'in_flight')
      )
      and coalesce((select h.not_before from delivery_holds h where h.lane = n.lane), '-infinity') <= $7
    order by n.next_attempt_at limit $10
  ) d
  where not ${isPaused("nullif(q.project, '')", '$7')}
  order by d.next_attempt_at
  limit greatest(least($6::int, q.connections) - q.claims, 0)
) c on true
order by q.host_position, q.position, c.next_attempt_at`;

async function nextDueAt(db: Sql, after: Date): Promise<Date | null> {
  const { rows } = await db.query<{ due: Date | null }>(NEXT_DUE, [after, UNRESPONSIVE_HOST_EVERY_MS]);
  return rows[0]?.due ?? null;
}

/**
 * The earliest of: a due time, the end of a Retry-After, the end of a pause, and the next attempt that an unresponsive
 * host may get.
 */
const NEXT_DUE = `
  select least(
    (select min(next_attempt_at) from notifications where status = 'pending' and next_attempt_at > $1),
    (select min(not_before) from delivery_holds where not_before > $1),
    ${nextEndOfPause('$1')},
    (select min(claimed_at) + $2 * interval '1 ms' from receiver_hosts
      where not answered and outcome_at is not null and claimed_at > $1::timestamptz - $2 * interval '1 ms')) as due`;

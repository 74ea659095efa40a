import type { Database, Sql } from '../database.js';
import type { ClaimedNotification } from './claimed-notification.js';
import { recordAttempts, type FinishedAttempt, type RecordedAttempt, type RecordRules } from './notification-record.js';
import { takeClaims } from './notification-take-store.js';
import { chooseFairly, type ClaimCandidate, type ClaimCursor, type PermitShares } from './fair-choice.js';
import { UNRESPONSIVE_HOST_EVERY_MS, LOCAL_HOSTS, recordHostClaims } from './receiver-host-store.js';

export type { FinishedAttempt, RecordedAttempt, RecordRules } from './notification-record.js';

/** Any constant number; all notifiers must use the same. */
const CLAIM_LOCK = 8042_0002;
/** How much of the outbox one claim looks at; what lies beyond comes at the next turn of the cursor. */
export const HOSTS_PER_CLAIM = 128;
export const PROJECTS_PER_HOST = 64;
export const HOST_PROJECTS_PER_CLAIM = 256;
const DUE_ROWS_PER_QUEUE = 256;

export interface ClaimRequest {
  now: Date;
  claimUntil: Date;
  limit: number;
  perHost: number;
  perHostAndProject: number;
  cursor: ClaimCursor;
  /** Absent if only `limit` and the limits per host apply. */
  shares?: PermitShares;
}

export interface ClaimResult {
  claimed: ClaimedNotification[];
  cursor: ClaimCursor;
  /** False: all that could be claimed at that moment has been looked at. */
  more: boolean;
  /** How many due notifications were cancelled: an edit had removed their action, or their alarm is gone. */
  dropped?: number;
}

export interface NotificationClaimStore {
  /**
   * Takes up to `limit` due notifications, at most one per lane, within the free slots, hosts and projects round robin.
   * A host that did not answer its last attempt, or is new, has a single connection, and gets one attempt a second at
   * most. Claims of all notifiers take turns under one lock, so that slots are never counted by two at once.
   */
  claim(request: ClaimRequest): Promise<ClaimResult>;
  /** Records outcomes; those whose claim has gone to another attempt meanwhile are ignored and not returned. */
  record(finished: readonly FinishedAttempt[], rules: RecordRules): Promise<RecordedAttempt[]>;
  /** When the next waiting notification that is not yet due becomes due. */
  nextDueAt(after: Date): Promise<Date | null>;
}

export function createNotificationClaimStore(db: Database): NotificationClaimStore {
  return {
    claim: (request) => db.transaction((tx) => claim(tx, request)),
    record: (finished, rules) => recordAttempts(db, finished, rules),
    nextDueAt: (after) => nextDueAt(db, after),
  };
}

async function claim(tx: Sql, request: ClaimRequest): Promise<ClaimResult> {
  await tx.query('select pg_advisory_xact_lock($1)', [CLAIM_LOCK]);
  const { rows } = await tx.query<ClaimCandidate>(CANDIDATES, [
    request.cursor.host,
    HOSTS_PER_CLAIM,
    [...request.cursor.resume.keys()],
    [...request.cursor.resume.values()],
    request.perHost,
    request.perHostAndProject,
    request.now,
    HOST_PROJECTS_PER_CLAIM,
    PROJECTS_PER_HOST,
    DUE_ROWS_PER_QUEUE,
    request.shares && request.shares.unresponsive <= 0 ? 0 : 1,
    new Date(request.now.getTime() - UNRESPONSIVE_HOST_EVERY_MS),
    LOCAL_HOSTS,
    request.shares?.isFirstPass ? '' : request.cursor.unresponsiveAfter,
  ]);
  const { chosen, cursor, more } = chooseFairly(rows, request, {
    hosts: HOSTS_PER_CLAIM,
    projects: PROJECTS_PER_HOST,
    queues: HOST_PROJECTS_PER_CLAIM,
  });
  const { taken, dropped } = await takeClaims(tx, [...chosen.keys()], request);
  const claimed = taken.map((one) => ({ ...one, isHostResponsive: chosen.get(one.id) ?? true }));
  await recordHostClaims(tx, {
    hosts: claimed.filter((one) => !one.isHostResponsive).map(({ host }) => host),
    at: request.now,
  });
  return { claimed, cursor, more, dropped };
}

/**
 * The due heads of lanes, by host and project. A loose index scan hops from host to host and from project to project of
 * a host, so that a million rows of one tenant cost no more than one; each host goes on after its last served project.
 */
const CANDIDATES = `
with recursive
busy as materialized (
  select host, coalesce(project_id, '') as project, count(*)::int as n
  from notifications where status = 'in_flight' group by 1, 2
),
busy_hosts as materialized (select host, sum(n)::int as n from busy group by host),
resumes as materialized (select * from unnest($3::text[], $4::text[]) as r (host, project)),
hosts (host, turn) as (
  (select n.host, 1 from notifications n where n.status = 'pending' and n.host > $1 order by n.host limit 1)
  union all
  select next.host, h.turn + 1
  from hosts h cross join lateral (
    select n.host from notifications n where n.status = 'pending' and n.host > h.host order by n.host limit 1
  ) next
  where h.turn < $2
),
turns as materialized (
  select h.host, h.turn,
    coalesce((select b.n from busy_hosts b where b.host = h.host), 0) as busy,
    coalesce((select r.project from resumes r where r.host = h.host), '') as resume,
    k.is_answering,
    k.claimed_at,
    case when k.is_answering then $5::int
         when k.is_too_soon or h.host <= $14 then 0
         else $11::int end as connections
  from hosts h cross join lateral (
    select coalesce(bool_or(r.answered), false) or h.host = any($13::text[]) as is_answering,
           max(r.claimed_at) as claimed_at,
           coalesce(bool_or(r.outcome_at is not null and r.claimed_at > $12), false) as is_too_soon
    from receiver_hosts r where r.host = h.host
  ) k
),
queues as materialized (
  select t.host, t.turn as host_turn, t.busy as host_busy, t.connections, t.is_answering, t.claimed_at, q.project,
    q.turn
  from turns t left join lateral (
    with recursive later (project, turn) as (
      (select coalesce(n.project_id, ''), 1 from notifications n
        where t.busy < t.connections and n.status = 'pending' and n.host = t.host and coalesce(n.project_id,
          '') > t.resume
        order by coalesce(n.project_id, '') limit 1)
      union all
      select next.project, l.turn + 1
      from later l cross join lateral (
        select coalesce(n.project_id, '') as project from notifications n
        where n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') > l.project
        order by coalesce(n.project_id, '') limit 1
      ) next
      where l.turn < $9
    ), earlier (project, turn) as (
      (select coalesce(n.project_id, ''), 1 from notifications n
        where t.busy < t.connections and n.status = 'pending' and n.host = t.host and coalesce(n.project_id,
          '') <= t.resume
        order by coalesce(n.project_id, '') limit 1)
      union all
      select next.project, e.turn + 1
      from earlier e cross join lateral (
        select coalesce(n.project_id, '') as project from notifications n
        where n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') > e.project
          and coalesce(n.project_id, '') <= t.resume
        order by coalesce(n.project_id, '') limit 1
      ) next
      where e.turn < $9
    )
    select project, turn from later
    union all
    select project, turn + $9 from earlier
  ) q on true
  limit $8
)
select q.host, q.host_turn as "hostTurn", q.host_busy as "hostBusy", q.connections, q.is_answering as "isResponsive",
  q.claimed_at as "claimedAt",
  q.project, q.turn, q.busy, c.id
from (
  select queues.*, coalesce((select b.n from busy b where b.host = queues.host and b.project = queues.project), 0)
    as busy
  from queues
) q
left join lateral (
  select d.id, d.next_attempt_at
  from (
    select n.id, n.lane, n.ordinal, n.next_attempt_at from notifications n
    where n.status = 'pending' and n.host = q.host and coalesce(n.project_id, '') = q.project
      and n.next_attempt_at <= $7
      and not exists (
        select 1 from notifications e
        where e.lane = n.lane and (e.status = 'in_flight' or e.ordinal < n.ordinal) and e.status in ('pending',
          'in_flight')
      )
      and coalesce((select h.not_before from delivery_holds h where h.lane = n.lane), '-infinity') <= $7
    order by n.next_attempt_at limit $10
  ) d
  where not exists (select 1 from delivery_pauses p where p.project_id in ('*', nullif(q.project, '')))
  order by d.next_attempt_at
  limit greatest(least($6::int, q.connections) - q.busy, 0)
) c on true
order by q.host_turn, q.turn, c.next_attempt_at`;

async function nextDueAt(db: Sql, after: Date): Promise<Date | null> {
  const { rows } = await db.query<{ due: Date | null }>(NEXT_DUE, [after, UNRESPONSIVE_HOST_EVERY_MS]);
  return rows[0]?.due ?? null;
}

/** The next due time; also the end of a Retry-After, and the next attempt that a host which did not answer may get. */
const NEXT_DUE = `
  select least(
    (select min(next_attempt_at) from notifications where status = 'pending' and next_attempt_at > $1),
    (select min(not_before) from delivery_holds where not_before > $1),
    (select min(claimed_at) + $2 * interval '1 ms' from receiver_hosts
      where not answered and outcome_at is not null and claimed_at > $1::timestamptz - $2 * interval '1 ms')) as due`;

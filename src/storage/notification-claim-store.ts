import { chooseFairly, type Candidate, type ClaimCursor } from './notification-turns.js';
import type { Database, Sql } from './database.js';
import { recordAttempts, type FinishedAttempt, type RecordedAttempt, type RecordRules } from './notification-record.js';

export type { FinishedAttempt, RecordedAttempt, RecordRules } from './notification-record.js';

/** Any constant number; all notifiers must use the same. */
const CLAIM_LOCK = 8042_0002;
/** How much of the outbox one claim looks at; what lies beyond comes at the next turn of the cursor. */
export const HOSTS_PER_CLAIM = 128;
export const PROJECTS_PER_HOST = 64;
export const QUEUES_PER_CLAIM = 256;
const DUE_ROWS_PER_QUEUE = 256;

export interface ClaimRequest {
  now: Date;
  claimUntil: Date;
  limit: number;
  perHost: number;
  perHostAndProject: number;
  cursor: ClaimCursor;
}

/** All that is needed to send one notification. `attempt` is the number that its outcome must carry. */
export interface ClaimedNotification {
  id: string;
  alarmId: string;
  projectId: string | null;
  kind: 'transition' | 'repeat';
  sequence: number;
  transitionTime: Date;
  action: string;
  lane: string;
  host: string;
  body: string;
  attempt: number;
  /** Attempts since creation or the last replay, this one included: the place in the retry schedule. */
  attemptInSchedule: number;
  /** End of the first of the latest attempts in this run of the schedule that all were `rejected`; null when the last one was not. */
  rejectedSince: Date | null;
  createdAt: Date;
}

export interface ClaimResult {
  claimed: ClaimedNotification[];
  cursor: ClaimCursor;
  /** False: all that could be claimed at that moment has been looked at. */
  more: boolean;
}

export interface NotificationClaimStore {
  /**
   * Takes up to `limit` due notifications, at most one per lane, within the free slots, hosts and projects in turn.
   * Claims of all notifiers take turns under one lock, so that slots are never counted by two at once.
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
  const { rows } = await tx.query<Candidate>(CANDIDATES, [
    request.cursor.host,
    HOSTS_PER_CLAIM,
    [...request.cursor.resume.keys()],
    [...request.cursor.resume.values()],
    request.perHost,
    request.perHostAndProject,
    request.now,
    QUEUES_PER_CLAIM,
    PROJECTS_PER_HOST,
    DUE_ROWS_PER_QUEUE,
  ]);
  const { ids, cursor, more } = chooseFairly(rows, request, {
    hosts: HOSTS_PER_CLAIM,
    projects: PROJECTS_PER_HOST,
    queues: QUEUES_PER_CLAIM,
  });
  const claimed = ids.length === 0 ? [] : await take(tx, ids, request.claimUntil);
  return { claimed, cursor, more };
}

/**
 * The due heads of lanes, by host and project. A loose index scan hops from host to host and from project to project
 * of a host, so that a million rows of one tenant cost no more than one; each host goes on after its last served project.
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
    coalesce((select r.project from resumes r where r.host = h.host), '') as resume
  from hosts h
),
queues as materialized (
  select t.host, t.turn as host_turn, t.busy as host_busy, q.project, q.turn
  from turns t left join lateral (
    with recursive later (project, turn) as (
      (select coalesce(n.project_id, ''), 1 from notifications n
        where t.busy < $5 and n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') > t.resume
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
        where t.busy < $5 and n.status = 'pending' and n.host = t.host and coalesce(n.project_id, '') <= t.resume
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
select q.host, q.host_turn as "hostTurn", q.host_busy as "hostBusy", q.project, q.turn, q.busy, c.id
from (
  select queues.*, coalesce((select b.n from busy b where b.host = queues.host and b.project = queues.project), 0) as busy
  from queues
) q
left join lateral (
  select d.id, d.next_attempt_at
  from (
    select n.id, n.lane, n.ordinal, n.next_attempt_at from notifications n
    where n.status = 'pending' and n.host = q.host and coalesce(n.project_id, '') = q.project and n.next_attempt_at <= $7
      and not exists (
        select 1 from notifications e
        where e.lane = n.lane and (e.status = 'in_flight' or e.ordinal < n.ordinal) and e.status in ('pending', 'in_flight')
      )
    order by n.next_attempt_at limit $10
  ) d
  where not exists (select 1 from delivery_pauses p where p.project_id in ('*', nullif(q.project, '')))
  order by d.next_attempt_at
  limit greatest($6 - q.busy, 0)
) c on true
order by q.host_turn, q.turn, c.next_attempt_at`;

interface NotificationRow {
  id: string;
  alarm_id: string;
  project_id: string | null;
  kind: 'transition' | 'repeat';
  sequence: number;
  transition_time: Date;
  action: string;
  lane: string;
  host: string;
  body: string;
  attempt: number;
  attempt_base: number;
  rejected_since: Date | null;
  created_at: Date;
}

/** Of the notification `n`, whose attempts since the last replay count. */
const REJECTED_SINCE = `(
  select min(r.started_at + r.duration_ms * interval '1 millisecond') from attempts r
  where r.notification_id = n.id and r.error = 'rejected' and r.attempt > n.attempt_base
    and not exists (
      select 1 from attempts o
      where o.notification_id = n.id and o.attempt > r.attempt and o.error is distinct from 'rejected'
    )
)`;

async function take(tx: Sql, ids: readonly string[], claimUntil: Date): Promise<ClaimedNotification[]> {
  const { rows } = await tx.query<NotificationRow>(
    `update notifications n set status = 'in_flight', attempt = n.attempt + 1, claim_until = $2
     from (
       select id from notifications where id = any($1::text[]) and status = 'pending' for update skip locked
     ) free
     where n.id = free.id
     returning n.id, n.alarm_id, n.project_id, n.kind, n.sequence, n.transition_time, n.action, n.lane, n.host, n.body,
       n.attempt, n.attempt_base, ${REJECTED_SINCE} as rejected_since, n.created_at`,
    [ids, claimUntil],
  );
  return rows.map(toClaimed);
}

function toClaimed(row: NotificationRow): ClaimedNotification {
  return {
    id: row.id,
    alarmId: row.alarm_id,
    projectId: row.project_id,
    kind: row.kind,
    sequence: row.sequence,
    transitionTime: row.transition_time,
    action: row.action,
    lane: row.lane,
    host: row.host,
    body: row.body,
    attempt: row.attempt,
    attemptInSchedule: row.attempt - row.attempt_base,
    rejectedSince: row.rejected_since,
    createdAt: row.created_at,
  };
}

async function nextDueAt(db: Sql, after: Date): Promise<Date | null> {
  const { rows } = await db.query<{ due: Date | null }>(
    "select min(next_attempt_at) as due from notifications where status = 'pending' and next_attempt_at > $1",
    [after],
  );
  return rows[0]?.due ?? null;
}
